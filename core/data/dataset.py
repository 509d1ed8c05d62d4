"""What a dataset is: labelled feature vectors, and where they come from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Files = Mapping[str, Path]


@dataclass(frozen=True)
class Dataset:
    """Labelled examples, as published.

    Attributes:
        name: as a user writes it.
        x: ``[N, features]`` float32, or uint8 where the publisher gives pixels; unnormalised.
        y: ``[N]`` int64 classes from 0.
        test_examples: how many of the last examples are the publisher's own test split; 0 if there is none.
    """

    name: str
    x: NDArray[np.float32] | NDArray[np.uint8]
    y: NDArray[np.int64]
    test_examples: int = 0

    @property
    def features(self) -> int:
        return int(self.x.shape[1])

    @property
    def classes(self) -> int:
        return int(self.y.max()) + 1


@dataclass(frozen=True)
class RemoteFile:
    """A file that its publisher serves.

    Attributes:
        name: the official one.
        url: where it is served.
        md5: its checksum; publishers give no other.
        size: in bytes.
    """

    name: str
    url: str
    md5: str
    size: int


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
        load: makes it, with so many examples, from the paths of ``files`` by their names.
        files: what has to be downloaded; none if an installed package holds or generates it.
    """

    name: str
    summary: str
    origin: str
    examples: int
    features: int
    classes: int
    sized: bool
    load: Callable[[int, Files], Dataset]
    files: tuple[RemoteFile, ...] = ()

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)
