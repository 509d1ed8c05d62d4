"""A part of a dataset: fewer examples to learn from, the same for everybody."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.data.dataset import Dataset
from core.seeding import SeedStreams


def part(dataset: Dataset, examples: int, name: str) -> Dataset:
    """Return a fixed part of the examples, and all test examples of the publisher.

    Every class keeps its share, to within one example. Each part holds all smaller ones, and no seed of a study changes
    it. Examples stay in the order of the dataset.

    Args:
        dataset: of which; its name decides which examples these are.
        examples: how many, without the publisher's test examples.
        name: of the part.

    Raises:
        ValueError: there are not so many.

    >>> y = np.array([0, 0, 0, 0, 1, 1, 0, 1])
    >>> whole = Dataset("mine", np.arange(8, dtype=np.float32)[:, None], y, test_examples=2)
    >>> found = part(whole, 3, "mine:3")
    >>> found.y.tolist(), found.x[-2:, 0].tolist()
    ([0, 0, 1, 0, 1], [6.0, 7.0])
    """
    there = len(dataset.y) - dataset.test_examples
    if not 1 <= examples <= there:
        raise ValueError(f"{examples} examples of {name} are not in 1..{there}")
    drawn = _evenly(dataset.y[:there], SeedStreams(0, "part", dataset.name, 0).numpy("examples"))[:examples]
    kept = np.concatenate([np.sort(drawn), np.arange(there, len(dataset.y))])
    return replace(dataset, name=name, x=dataset.x[kept], y=dataset.y[kept])


def _evenly(y: NDArray[np.int64], generator: np.random.Generator) -> NDArray[np.int64]:
    """Return all examples in an order, of which every beginning has the classes in their shares."""
    order = generator.permutation(len(y))
    places = np.empty(len(y))
    for label in np.unique(y):
        own = np.flatnonzero(y[order] == label)
        places[own] = (np.arange(len(own)) + 0.5) / len(own)
    return order[np.argsort(places, kind="stable")]
