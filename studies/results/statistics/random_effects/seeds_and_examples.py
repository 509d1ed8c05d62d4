"""What seeds do not show of test examples: the part of a mean's variance that other examples of the same kind make.

A value of seed i on example j, an error or a paired difference of two, is taken as ``mu + s_i + e_j + r_ij``: a mean,
what the seed does to all examples, what the example does to all seeds, and a rest, all independent with variances of
their own. All seeds are tested on examples of one set, be it on the same ones or on ones that each draws for itself.
So their means have a covariance, that of the examples which two of them share, and by as much the variance of the mean
over seeds exceeds the ``s^2 / n`` that seeds show. More seeds do not make that less.

Seeds are also *trained* on examples of one set, and what another set would do is not in this model. In simulations with
new sets of 300 and of 1,500 examples the intervals cover all the same, see docs/reference/statistics.md.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from core.errors import InputError
from studies.results.statistics.intervals import rate_interval, sample_std, with_examples
from studies.results.statistics.rounding import equal_but_for_rounding


@dataclass(frozen=True)
class ExampleValues:
    """What a seed came to on each of its test examples.

    Attributes:
        indices: [m], which examples of the dataset, increasing.
        values: [m], error (0 or 1, or bits) on each, or a difference of errors, or a mean of several networks' errors.
    """

    indices: NDArray[np.int64]
    values: NDArray[np.float64]

    def __post_init__(self) -> None:
        if self.indices.shape != self.values.shape or self.indices.ndim != 1 or not len(self.indices):
            raise InputError(f"{self.values.shape} values are not of {self.indices.shape} test examples")
        if not np.isfinite(self.values).all():
            raise InputError("a value of a test example is not finite")


def example_variance(tested: Sequence[ExampleValues]) -> float:
    """Return what the mean over seeds varies by from test examples that seeds share, beyond what seeds show.

    With ``O_ik`` examples that seeds i and k share, of ``m_i`` and ``m_k``, the covariance of their means is
    ``sigma^2 O_ik / (m_i m_k)``; returned is its mean over all pairs of seeds. That is ``sigma^2 / m`` if all m
    examples are shared, and about ``sigma^2 / N`` if each seed draws its own of N. ``sigma^2``, the variance of
    examples, is the sum over pairs and shared examples of the products of both seeds' deviations from their own means,
    over what its expectation is for ``sigma^2 = 1``: ``O_ik (1 - 1 / m_i - 1 / m_k + O_ik / (m_i m_k))`` of each pair
    (the method of moments; on common examples it is that of the analysis of variance: Searle, Casella and McCulloch
    1992, chapter 4). It is never below 0.

    Both seeds have the values 0, 0, 0, 1 on four examples, whose variance is 1/4, and that of their mean 1/16:

    >>> values = np.array([0.0, 0.0, 0.0, 1.0])
    >>> example_variance([ExampleValues(np.arange(4), values)] * 2)
    0.0625

    If the seeds share two of their four examples, with deviations -1/4 and 3/4 from their means for both, the sum is
    1/16 + 9/16, its expectation 2 (1 - 1/2 + 1/8), sigma^2 therefore 1/2, and the covariance 1/2 times 2/16:

    >>> other = ExampleValues(np.array([2, 3, 8, 9]), values[[0, 3, 1, 2]])
    >>> example_variance([ExampleValues(np.arange(4), values), other])
    0.0625

    Args:
        tested: of each seed.

    Returns:
        The variance in squared units of the values; NaN for fewer than two seeds, 0 where they share no example.
    """
    n = len(tested)
    if n < 2:
        return math.nan
    _, places = np.unique(np.concatenate([one.indices for one in tested]), return_inverse=True)
    sizes = np.array([len(one.indices) for one in tested])
    cells = np.repeat(np.arange(n), sizes), places
    deviations, there = np.zeros((2, n, int(places.max()) + 1))
    deviations[cells] = np.concatenate([one.values - one.values.mean() for one in tested])
    there[cells] = 1.0
    pairs = ~np.eye(n, dtype=bool)
    shared = (there @ there.T)[pairs]
    share = shared / np.outer(sizes, sizes)[pairs]
    expected = float(np.sum(shared * (1 - np.add.outer(1 / sizes, 1 / sizes)[pairs] + share)))
    products = float(np.sum(deviations.sum(axis=0) ** 2) - np.sum(deviations**2))
    return max(0.0, products / expected) * float(share.mean()) if expected > 1e-9 else 0.0


def error_variance(errors: Sequence[float], tested: Sequence[ExampleValues]) -> float:
    """Return what a mean error varies by from test examples that seeds share, beyond what seeds show.

    That is :func:`example_variance`, or more, so that together with what seeds show it is not below the variance of as
    many independent examples as were tested by all seeds together.

    Two seeds with one wrong of four examples each, not the same four, share none and do not differ; eight examples
    of which one in four is wrong have the variance .25 * .75 / 8:

    >>> row = np.array([1.0, 0.0, 0.0, 0.0])
    >>> tested = [ExampleValues(np.arange(4), row), ExampleValues(np.arange(4, 8), row)]
    >>> error_variance([0.25, 0.25], tested) == 0.25 * 0.75 / 8
    True

    Args:
        errors: [n], the error of each seed as a fraction.
        tested: [n], each seed's errors on its test examples.

    Returns:
        The variance; NaN for fewer than two seeds.
    """
    if len(errors) < 2:
        return math.nan
    mean = math.fsum(errors) / len(errors)
    least = mean * (1 - mean) / sum(len(one.indices) for one in tested)
    return max(example_variance(tested), least - _standard_error(errors) ** 2)


def error_interval(
    errors: Sequence[float], tested: Sequence[ExampleValues], confidence: float = 0.95
) -> tuple[float, float]:
    """Return the interval of a mean error over new seeds and new test examples.

    It is that of :func:`~studies.results.statistics.intervals.with_examples` on the logit scale, on which a low error
    has as much room below as above, so it stays within 0 and 1, with the variance of :func:`error_variance`. Where no
    network was ever wrong, or ever right, it is the exact interval of as many examples as there are, which says nothing
    of seeds.

    Two seeds agree on four examples, of which they miss two. Seeds show no spread, and the mean of four examples has
    the variance 1/12; the normal quantile is 1.96, and on the logit scale all of it is 4 times as much:

    >>> tested = [ExampleValues(np.arange(4), np.array([0.0, 0.0, 1.0, 1.0]))] * 2
    >>> low, high = error_interval([0.5, 0.5], tested)
    >>> round(low, 4), round(1 / (1 + math.exp(1.96 * 4 / 12**0.5)), 4), round(high, 4)
    (0.0942, 0.0942, 0.9058)

    Args:
        errors: [n], the error of each seed as a fraction.
        tested: [n], each seed's errors on its test examples.
        confidence: of the interval.

    Returns:
        Both ends; NaN for fewer than two seeds.

    Raises:
        InputError: there are not as many of both.
    """
    if len(errors) != len(tested):
        raise InputError(f"{len(errors)} errors are not of {len(tested)} seeds")
    n = len(errors)
    if n < 2:
        return math.nan, math.nan
    mean = math.fsum(errors) / n
    if mean in (0.0, 1.0):
        examples = len(np.unique(np.concatenate([one.indices for one in tested])))
        return rate_interval(round(mean * examples), examples, confidence)
    of_seeds = float(stats.t.isf((1 - confidence) / 2, n - 1)) * _standard_error(errors)
    variance = error_variance(errors, tested)
    low, high = with_examples(mean, (mean - of_seeds, mean + of_seeds), variance, confidence)
    middle, stretch = special.logit(mean), 1 / (mean * (1 - mean))
    ends = special.expit(middle + stretch * (np.array([low, high]) - mean))
    return float(ends[0]), float(ends[1])


def mean_interval(
    values: Sequence[float], tested: Sequence[ExampleValues], confidence: float = 0.95
) -> tuple[float, float]:
    """Return the interval of a mean without bounds, such as of bits, over new seeds and new test examples.

    It is the t interval over seeds with the variance of :func:`example_variance` beside it, see
    :func:`~studies.results.statistics.intervals.with_examples`.

    Two seeds agree on four examples, whose mean has the variance 1/12; seeds show no spread, and the normal quantile is
    1.96:

    >>> tested = [ExampleValues(np.arange(4), np.array([2.0, 2.0, 3.0, 3.0]))] * 2
    >>> low, high = mean_interval([2.5, 2.5], tested)
    >>> round(low, 4), round(2.5 - 1.96 / 12**0.5, 4), round(high, 4)
    (1.9342, 1.9342, 3.0658)

    Args:
        values: [n], the mean of each seed.
        tested: [n], each seed's values on its test examples.
        confidence: of the interval.

    Returns:
        Both ends in the units of the values; NaN for fewer than two seeds.

    Raises:
        InputError: there are not as many of both.
    """
    if len(values) != len(tested):
        raise InputError(f"{len(values)} values are not of {len(tested)} seeds")
    n = len(values)
    if n < 2:
        return math.nan, math.nan
    mean = math.fsum(values) / n
    half = float(stats.t.isf((1 - confidence) / 2, n - 1)) * _standard_error(values)
    return with_examples(mean, (mean - half, mean + half), example_variance(tested), confidence)


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


def _standard_error(errors: Sequence[float]) -> float:
    return 0.0 if equal_but_for_rounding(errors) else sample_std(errors) / math.sqrt(len(errors))
