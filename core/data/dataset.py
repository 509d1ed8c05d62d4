"""What a dataset is: labelled feature vectors, and where they come from."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Dataset:
    """Labelled examples, as published.

    Attributes:
        name: as a user writes it.
        x: ``[N, features]`` float32, unnormalised.
        y: ``[N]`` int64 classes from 0.
        test_examples: how many of the last examples are the publisher's own test split; 0 if there is none.
    """

    name: str
    x: NDArray[np.float32]
    y: NDArray[np.int64]
    test_examples: int = 0

    @property
    def features(self) -> int:
        return int(self.x.shape[1])

    @property
    def classes(self) -> int:
        return int(self.y.max()) + 1


@dataclass(frozen=True)
class Source:
    """Where a dataset comes from.

    Attributes:
        name: as a user writes it.
        summary: one line on what it holds.
        origin: who publishes it.
        examples: how many examples; the default number if ``sized``.
        features: per example.
        classes: how many.
        sized: whether ``NAME:EXAMPLES`` asks for another number of examples.
        load: makes it, with so many examples.
    """

    name: str
    summary: str
    origin: str
    examples: int
    features: int
    classes: int
    sized: bool
    load: Callable[[int], Dataset]
