"""Datasets, their deterministic splits, and normalisation by training statistics."""

from core.data.catalogue import SOURCES, canonical, check_name, check_positions, find, load, load_if_there, metric_of
from core.data.dataset import Dataset, RemoteFile, Source
from core.data.metric import Metric
from core.data.own import installed, package_of
from core.data.published.download import cached
from core.data.splits import Split, Splits, TestSplit, split
from core.data.text import sequences

__all__ = [
    "SOURCES", "Dataset", "Metric", "RemoteFile", "Source", "Split", "Splits", "TestSplit", "cached", "canonical",
    "check_name", "check_positions", "find", "installed", "load", "load_if_there", "metric_of", "package_of",
    "sequences", "split",
]  # fmt: skip
