"""Errors over random seeds and random test examples: intervals for what new seeds would do on new examples.

An interval over seeds alone, on a test set that all of them share, is of this test set. On other examples of the same
kind the error differs by more than the seeds show, and more seeds make such an interval worse.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special, stats

from core.errors import InputError
from studies.results.statistics.intervals import rate_interval, sample_std
from studies.results.statistics.random_effects.crossed import crossed_mean


def error_over_examples(hits: ArrayLike, confidence: float = 0.95) -> tuple[float, float, float]:
    """Return the error on a fixed test set, and its interval over seeds and test examples.

    Seeds and examples are crossed (:func:`~studies.results.statistics.random_effects.crossed.crossed_mean`). The
    interval is taken on the logit scale, on which a low error has as much room below as above, so it stays within 0 and
    1. Where every cell is alike it is the exact one of as many examples as there are, which says nothing of seeds.

    Two seeds agree on four examples, of which they miss two. Nothing is known of seeds but that they agree, so the
    standard error is that of four examples, sqrt(1/12), with 3 degrees of freedom; on the logit scale 4 times as much:

    >>> error, low, high = error_over_examples([[True, True, False, False]] * 2)
    >>> error, round(low, 4), round(1 / (1 + math.exp(3.1824 * 4 / 12**0.5)), 4), round(high, 4)
    (0.5, 0.0247, 0.0247, 0.9753)

    Args:
        hits: [seeds, examples], whether the network of a seed was right on a test example, the same ones for all seeds.
        confidence: of the interval.

    Returns:
        The error and both ends of its interval, fractions; the ends are NaN for fewer than two seeds or examples.

    Raises:
        InputError: the table does not have two axes, is empty, or holds something else than right and wrong.
    """
    right = _hits(hits)
    error = float(1 - right.mean())
    if min(right.shape) < 2:
        return error, math.nan, math.nan
    if error in (0.0, 1.0):
        examples = right.shape[1]
        return error, *rate_interval(round(error * examples), examples, confidence)
    half = crossed_mean(~right).half_width(confidence) / (error * (1 - error))
    middle = special.logit(error)
    return error, float(special.expit(middle - half)), float(special.expit(middle + half))


def difference_over_examples(
    hits: ArrayLike, reference: ArrayLike, confidence: float = 0.95
) -> tuple[float, float, float]:
    """Return a difference of errors on a fixed test set, paired by seed and example, and its interval over both.

    The arm is wrong on one example of four more than the reference, for both seeds alike. The standard error is that of
    the differences 0, 0, 0, 1 of four examples, 1/4, with 3 degrees of freedom; no difference of errors is above 1:

    >>> difference, low, high = difference_over_examples([[True, True, True, False]] * 2, [[True] * 4] * 2)
    >>> difference, round(low, 4), round(0.25 - 3.1824 / 4, 4), high
    (0.25, -0.5456, -0.5456, 1.0)

    Args:
        hits: [seeds, examples], whether the arm's network of a seed was right on a test example.
        reference: [seeds, examples], likewise of the reference, with the same seeds and examples.
        confidence: of the t interval, which is cut off at -1 and 1.

    Returns:
        The arm's error minus the reference's and both ends of its interval; the ends are NaN for fewer than two seeds
        or examples, and equal to the difference where it is the same in every cell.

    Raises:
        InputError: the tables differ in shape, or are as in :func:`error_over_examples`.
    """
    cells = _paired(hits, reference)
    if min(cells.shape) < 2:
        return float(cells.mean()), math.nan, math.nan
    found = crossed_mean(cells)
    low, high = found.interval(confidence)
    return found.mean, max(low, -1.0), min(high, 1.0)


def example_variance(hits: ArrayLike, reference: ArrayLike) -> float:
    """Return the variance of a difference of errors that comes from the test examples alone.

    It is the variance component of examples over their number, of the table of paired differences (the mean square of
    examples minus that of the rest, over the number of cells), never below 0. An interval over seeds takes it as
    ``example_variance`` in :func:`~studies.results.statistics.looks.repeated_interval`.

    Both seeds differ on one example of four: the differences 0, 0, 0, 1 have variance 1/4, and their mean 1/16.

    >>> example_variance([[True, True, True, False]] * 2, [[True] * 4] * 2)
    0.0625

    Args:
        hits: [seeds, examples], whether the arm's network of a seed was right on a test example.
        reference: [seeds, examples], likewise of the reference, with the same seeds and examples.

    Returns:
        The variance; NaN for fewer than two seeds or examples.

    Raises:
        InputError: as :func:`difference_over_examples`.
    """
    cells = _paired(hits, reference)
    if min(cells.shape) < 2:
        return math.nan
    return crossed_mean(cells).column_variance


def resampled_interval(
    values: Sequence[float], *, train: int, test: int, confidence: float = 0.95
) -> tuple[float, float]:
    """Return the interval of a mean over splits drawn anew from one set of examples for each seed.

    Such splits share examples, so their values are correlated; the variance of the mean is taken as ``1 / n + test /
    train`` of the sample variance instead of ``1 / n`` of it (Nadeau and Bengio 2003, the corrected resampled t test).

    Of 1, 2, 3 the variance is 1. With a test set a third as large as the training set that of the mean is 2/3:

    >>> low, high = resampled_interval([1.0, 2.0, 3.0], train=300, test=100)
    >>> round(low, 4), round(2 - 4.3027 * (2 / 3) ** 0.5, 4)
    (-1.5131, -1.5131)

    Args:
        values: [n], errors or paired differences of errors, one a split.
        train: examples that each is trained on.
        test: examples that each is tested on.
        confidence: of the interval.

    Returns:
        Both ends in the units of the values; NaN for fewer than two values.

    Raises:
        InputError: ``train`` or ``test`` is below 1.
    """
    if min(train, test) < 1:
        raise InputError(f"a split has examples to train and to test on, not {train} and {test}")
    n = len(values)
    if n < 2:
        return math.nan, math.nan
    half = float(stats.t.isf((1 - confidence) / 2, n - 1)) * sample_std(values) * math.sqrt(1 / n + test / train)
    mean = math.fsum(values) / n
    return mean - half, mean + half


def _paired(hits: ArrayLike, reference: ArrayLike) -> NDArray[np.float64]:
    """Return the arm's errors minus the reference's, [seeds, examples]."""
    arm, other = _hits(hits), _hits(reference)
    if arm.shape != other.shape:
        raise InputError(f"both sides need the same seeds and examples, not tables of {arm.shape} and {other.shape}")
    return other.astype(float) - arm


def _hits(table: ArrayLike) -> NDArray[np.bool_]:
    cells = np.asarray(table)
    if cells.ndim != 2 or not cells.size or not np.isin(cells, (0, 1)).all():
        raise InputError("a table [seeds, examples] of right and wrong is wanted")
    return cells.astype(bool)
