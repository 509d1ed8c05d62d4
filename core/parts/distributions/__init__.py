"""What is sampled: distributions of gates given the gater's scores, one file each, for any estimator to learn."""
