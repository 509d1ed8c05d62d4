"""What the command ``new`` writes: a file and its test for each kind."""
