"""What a dataset is: labelled feature vectors, and where they come from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.data.metric import Metric

Files = Mapping[str, Path]
# Of so many all parts of a split have ten classes, if none of these is rare.
LEAST_PART = 200


@dataclass(frozen=True)
class Dataset:
    """Labelled examples, as published.

    Attributes:
        name: as a user writes it.
        x: ``[N, features]`` float32, or uint8 where the publisher gives pixels, unnormalised; of sequences ``[N,
            positions]`` uint8, classes of letters.
        y: ``[N]`` int64 classes from 0; of sequences ``[N, positions]``.
        test_examples: how many of the last examples are the publisher's own test split; 0 if there is none.
        metric: what counts as the error of a prediction.
        alphabet: of text, its symbols in the order of their classes; examples are then windows, in its order.
        letters: of text, the class of each of its letters ``[L]`` uint8, of which sequences can be made.
    """

    name: str
    x: NDArray[np.float32] | NDArray[np.uint8]
    y: NDArray[np.int64]
    test_examples: int = 0
    metric: Metric = "error"
    alphabet: str = ""
    letters: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8), repr=False)

    @property
    def features(self) -> int:
        return int(self.x.shape[1])

    @property
    def classes(self) -> int:
        return len(self.alphabet) or int(self.y.max()) + 1


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
class Sizes:
    """How many examples ``NAME:EXAMPLES`` may ask for.

    Attributes:
        least: and no fewer.
        most: and no more.
        step: of which their number is a multiple.
    """

    least: int
    most: int
    step: int = 1

    def __str__(self) -> str:
        number = "a number" if self.step == 1 else f"a multiple of {self.step}"
        return f"{number} in {self.least}..{self.most}"

    def has(self, examples: int) -> bool:
        """Whether it may be this number."""
        return self.least <= examples <= self.most and not examples % self.step


@dataclass(frozen=True)
class Source:
    """Where a dataset comes from.

    Attributes:
        name: as a user writes it.
        summary: one line on what it holds.
        origin: who publishes it.
        examples: how many examples; the default number if it is made in several.
        features: per example.
        classes: how many.
        made_in: the numbers of examples in which it can be made; None if it is published in one size, of which
            ``NAME:EXAMPLES`` is a part, see :func:`core.data.part.part`.
        load: makes it, with so many examples, from the paths of ``files`` by their names.
        files: what has to be downloaded; none if an installed package holds or generates it.
        metric: what counts as the error of a prediction.
        text: whether examples are of a text, of which sequences can be made too.
        test_examples: how many of them are the publisher's own test split, which a part keeps.
    """

    name: str
    summary: str
    origin: str
    examples: int
    features: int
    classes: int
    made_in: Sizes | None
    load: Callable[[int, Files], Dataset]
    files: tuple[RemoteFile, ...] = ()
    metric: Metric = "error"
    text: bool = False
    test_examples: int = 0

    @property
    def sizes(self) -> Sizes:
        """The numbers of examples that ``NAME:EXAMPLES`` may ask for."""
        return self.made_in or Sizes(LEAST_PART, self.examples - self.test_examples)

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)
