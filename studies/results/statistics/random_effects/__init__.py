"""Means over two things drawn at random, each crossed with the other: seeds and examples, searches and seeds."""
