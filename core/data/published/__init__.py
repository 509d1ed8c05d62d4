"""Datasets as their publishers serve them: downloads, checksums, and the formats of their files."""
