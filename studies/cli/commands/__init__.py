"""One file per command of the command line, found by its stem; each defines ``command``."""
