"""The training of one run: a batch as a strategy sees it, the one loop, evaluation and probes."""
