"""What single studies compute from their results: the numbers of their own figures and tables."""
