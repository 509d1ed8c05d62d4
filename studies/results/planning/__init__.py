"""Before a study is run: how many seeds a difference needs, and how often a design would be wrong."""
