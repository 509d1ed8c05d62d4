"""How the parameters of a distribution of gates learn: gradient estimators, one file each, for any distribution."""
