"""Datasets, their deterministic splits, and normalisation by training statistics."""

from core.data.catalogue import SOURCES, find, load
from core.data.dataset import Dataset, Source
from core.data.splits import Split, Splits, TestSplit, split

__all__ = ["SOURCES", "Dataset", "Source", "Split", "Splits", "TestSplit", "find", "load", "split"]
