"""Block-gated networks, the strategy protocol, honest cost, data and the training of one run."""
