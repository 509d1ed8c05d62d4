"""What is kept of a study: its frozen design and the record of every run, each written whole or not at all."""
