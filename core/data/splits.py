"""Deterministic stratified splits, normalised by training statistics."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from core.data.dataset import Dataset
from core.data.metric import Metric
from core.data.text import sequences
from core.seeding import SeedStreams

TestSplit = Literal["resampled", "fixed", "development"]

TEST_SHARE = 0.2
DEVELOPMENT_SHARE = 0.2
VALIDATION_SHARE = 0.125  # of what is not test: a tenth of all
COUNTED_AT_ONCE = 1000  # examples
# Windows of a text that lie side by side share letters, so that what is held out is as many stretches of them.
STRETCHES = 500


@dataclass(frozen=True)
class Split:
    """Examples with their classes, and the metric of their errors.

    ``x`` is ``[N, features]`` float32, normalised, and ``y`` ``[N]`` int64; or, of sequences, both are
    ``[N, positions]`` int64 classes of letters.
    """

    x: Tensor
    y: Tensor
    metric: Metric = "error"

    def to(self, device: torch.device | str) -> "Split":
        return replace(self, x=self.x.to(device), y=self.y.to(device))


@dataclass(frozen=True)
class Splits:
    """The parts of a dataset that one run may see.

    Attributes:
        train: what it is trained on.
        validation: what its epoch is chosen on.
        test: what it is tested on; None in a search, which never receives it.
        test_indices: ``[N]`` int64, which examples of the dataset those of ``test`` are; None if they are of none.
        mean: of all features of the training examples together, which was subtracted.
        std: likewise, by which was divided.
    """

    train: Split
    validation: Split
    test: Split | None
    test_indices: NDArray[np.int64] | None = None
    mean: float = 0.0
    std: float = 1.0

    def to(self, device: torch.device | str) -> "Splits":
        test = None if self.test is None else self.test.to(device)
        return replace(self, train=self.train.to(device), validation=self.validation.to(device), test=test)


def split(dataset: Dataset, streams: SeedStreams, test_split: TestSplit, *, positions: int = 1) -> Splits:
    """Split 70 / 10 / 20 %, stratified by class, or for text by stretches; a publisher's own test split is kept.

    Training and validation examples are drawn anew for every seed. The test examples are too if ``"resampled"``, from
    one set; ``"fixed"`` keeps them apart for good, as a search needs. Either way seeds share examples, so that how far
    they lie apart does not show all that other examples would change.

    A fifth of the examples, the same for all seeds, is never tested on so. ``"development"`` tests on these alone, and
    does not touch a publisher's test split: defaults are chosen by what it shows.

    Args:
        dataset: what to split.
        streams: the run's seeds; in the role ``tune`` the test split is withheld.
        test_split: which examples are tested on.
        positions: of an example; more than one makes sequences of a text, instead of its windows.

    Raises:
        InputError: there are no such sequences.
        ValueError: a search asks for resampled test splits, whose test examples it could have trained on.
    """
    if streams.role == "tune" and test_split == "resampled":
        raise ValueError("a search needs a fixed test split: resampled ones would let it train on test examples")
    if positions > 1:
        dataset = sequences(dataset, positions)
    rest, test = _held_out(dataset, streams, test_split)
    train, validation = _parted(rest, dataset, VALIDATION_SHARE, streams, "validation split")
    # Letters of sequences are symbols.
    mean, std = _statistics(dataset, train) if positions == 1 else (0.0, 1.0)

    def part(indices: np.ndarray) -> Split:
        if positions > 1:
            letters, following = dataset.x[indices].astype(np.int64), dataset.y[indices]
            return Split(torch.from_numpy(letters), torch.from_numpy(following), dataset.metric)
        x = dataset.x[indices].astype(np.float32, copy=False)
        x -= np.float32(mean)
        x /= np.float32(std)
        return Split(torch.from_numpy(x), torch.from_numpy(dataset.y[indices]), dataset.metric)

    if streams.role == "tune":
        return Splits(part(train), part(validation), None, mean=mean, std=std)
    return Splits(part(train), part(validation), part(test), test, mean, std)


def _held_out(dataset: Dataset, streams: SeedStreams, test_split: TestSplit) -> tuple[np.ndarray, np.ndarray]:
    """Return which examples are trained on or validated with, and which are tested on."""
    published = len(dataset.y) - dataset.test_examples
    own = np.arange(published)
    if test_split != "development" and dataset.test_examples:
        return own, np.arange(published, len(dataset.y))
    # Of every study, whatever its root seed.
    for_good = SeedStreams(0, "development", streams.dataset, 0)
    others, development = _parted(own, dataset, DEVELOPMENT_SHARE, for_good, "test split")
    if test_split == "development":
        return others, development
    drawn_by = streams if test_split == "resampled" else SeedStreams(streams.root, "holdout", streams.dataset, 0)
    _, test = _parted(others, dataset, TEST_SHARE / (1 - DEVELOPMENT_SHARE), drawn_by, "test split")
    return np.setdiff1d(own, test), test


def _parted(
    indices: np.ndarray, dataset: Dataset, share: float, streams: SeedStreams, stream: str
) -> tuple[np.ndarray, np.ndarray]:
    """Return the examples that are kept, and the share of them that is held out."""
    # Here, since scikit-learn takes a second to load and a specification splits nothing.
    from sklearn.model_selection import GroupShuffleSplit, train_test_split

    seed = int(streams.sequence(stream).generate_state(1)[0])
    if dataset.alphabet:
        stretches = indices * STRETCHES // len(dataset.y)
        kept, held_out = next(GroupShuffleSplit(1, test_size=share, random_state=seed).split(indices, groups=stretches))
        return indices[kept], indices[held_out]
    kept, held_out = train_test_split(indices, test_size=share, stratify=dataset.y[indices], random_state=seed)
    return kept, held_out


def _statistics(dataset: Dataset, indices: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of all features of some examples together."""
    if dataset.x.dtype != np.uint8:
        x = dataset.x[indices]
        return float(x.mean(dtype=np.float64)), float(x.std(dtype=np.float64))
    # A float64 copy of all pixels would take gigabytes; how often each of the 256 values occurs says as much.
    counts = np.zeros(256, np.int64)
    for start in range(0, len(indices), COUNTED_AT_ONCE):
        counts += np.bincount(dataset.x[indices[start : start + COUNTED_AT_ONCE]].ravel(), minlength=256)
    values, shares = np.arange(256), counts / counts.sum()
    mean = float(shares @ values)
    return mean, float(np.sqrt(shares @ (values - mean) ** 2))
