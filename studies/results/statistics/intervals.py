"""Intervals and robust means over seeds (library functions under one set of names)."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from studies.results.statistics.rounding import equal_but_for_rounding


def sample_std(scores: Sequence[float]) -> float:
    """Return the standard deviation over a sample, with n - 1 in the denominator; NaN for a single score.

    >>> sample_std([1.0, 3.0]) == 2**0.5
    True
    """
    return float(np.std(scores, ddof=1)) if len(scores) > 1 else math.nan


def t_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Return the t interval of a mean; NaN for fewer than two values.

    Mean 2, standard error 1/sqrt(3), and the 97.5 % quantile of t with 2 degrees of freedom is 4.3027:

    >>> low, high = t_interval([1.0, 2.0, 3.0])
    >>> round(low, 4), round(high, 4)
    (-0.4841, 4.4841)
    """
    if len(values) < 2:
        return math.nan, math.nan
    # scipy would warn of a loss of precision, and the interval is the value.
    if equal_but_for_rounding(values):
        return float(values[0]), float(values[0])
    interval = stats.ttest_1samp(values, popmean=0.0).confidence_interval(confidence)
    return float(interval.low), float(interval.high)


def with_examples(
    mean: float, over_seeds: tuple[float, float], variance: float, confidence: float
) -> tuple[float, float]:
    """Return the interval of a mean over seeds, widened for test examples that seeds share.

    The distance of each end from the mean becomes ``sqrt(d^2 + z^2 variance)``, for its distance d over seeds and the
    normal quantile z: both variances are recovered from their intervals (Zou and Donner 2008).

    3 over seeds and 1.96 times 2.0408 = 4 over examples are 5 together:

    >>> low, high = with_examples(10.0, (7.0, 13.0), 2.0408**2, 0.95)
    >>> round(low, 2), round(high, 2)
    (5.0, 15.0)

    Args:
        mean: over seeds.
        over_seeds: both ends of its interval over seeds.
        variance: of the mean, from examples.
        confidence: of the interval.
    """
    of_examples = float(stats.norm.isf((1 - confidence) / 2)) * math.sqrt(variance)
    low, high = over_seeds
    return mean - math.hypot(mean - low, of_examples), mean + math.hypot(high - mean, of_examples)


def left_to_seeds(size: float, variance: float, confidence: float) -> float:
    """Return how far an interval over seeds may reach, so that with examples it reaches no further than ``size``.

    That is what :func:`with_examples` undoes: of 5, where examples alone reach 4, seeds may reach 3. It is 0 where
    examples alone reach as far, and no number of seeds can do anything about it.

    >>> round(left_to_seeds(5.0, 2.0408**2, 0.95), 2), left_to_seeds(3.0, 2.0408**2, 0.95)
    (3.0, 0.0)

    Args:
        size: a difference, at least 0.
        variance: of the mean, from examples.
        confidence: of the interval.
    """
    of_examples = float(stats.norm.isf((1 - confidence) / 2)) * math.sqrt(variance)
    return math.sqrt(max(0.0, size**2 - of_examples**2))


def interquartile_mean(values: Sequence[float]) -> float:
    """Return the 25 % trimmed mean. It hides failures in the tails, so it is never shown without mean and failures.

    >>> interquartile_mean([0.0, 2.0, 4.0, 100.0])
    3.0
    """
    return float(stats.trim_mean(values, 0.25))


def bootstrap_interval(
    groups: Sequence[Sequence[float]], rng: np.random.Generator, *, confidence: float = 0.95, resamples: int = 9999
) -> tuple[float, float]:
    """Return the stratified percentile bootstrap interval of the mean over groups of their means.

    Values are drawn with replacement within each group, and groups are kept: the interval for these datasets, over
    seeds (Efron and Tibshirani 1993, chapter 13; strata as in Agarwal et al. 2021). It is too narrow where values are
    few: nominal 95 % cover some 83, 90 and 92 % with 5, 10 and 20 values in one group.

    Both values of a group of two come out as its lower one with probability 1/4, those of two groups with 1/16. That is
    more than 2.5 %, so the interval is all there is:

    >>> bootstrap_interval([[0.0, 1.0], [0.0, 1.0]], np.random.default_rng(0))
    (0.0, 1.0)

    Args:
        groups: the values of each dataset, one a seed; not necessarily as many in each.
        rng: draws the resamples.
        confidence: of the interval.
        resamples: how many.

    Returns:
        Both ends, in the units of the values; NaN with no group, or one of fewer than two values.

    Raises:
        ValueError: a value is NaN or infinite.
    """
    samples = [np.asarray(group, dtype=float) for group in groups]
    if not all(np.isfinite(sample).all() for sample in samples):
        raise ValueError("a bootstrap of values that are not finite says nothing: count failures for a finite error")
    if not samples or min(map(len, samples)) < 2:
        return math.nan, math.nan

    def mean_of_means(*resampled: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        return np.asarray(np.mean([np.mean(sample, axis=axis) for sample in resampled], axis=0))

    interval = stats.bootstrap(
        samples,
        mean_of_means,
        vectorized=True,
        method="percentile",
        confidence_level=confidence,
        n_resamples=resamples,
        rng=rng,
    ).confidence_interval
    return float(interval.low), float(interval.high)


def cluster_interval(
    table: ArrayLike, rng: np.random.Generator, *, confidence: float = 0.95, resamples: int = 9999
) -> tuple[float, float]:
    """Return the seed-cluster percentile bootstrap interval of the mean of a whole table.

    Seeds are drawn with replacement, each with its values on all datasets, so what a seed does to all datasets at once
    is kept (Davison and Hinkley 1997, section 3.8). That is the bootstrap of the means of rows.

    Here the first seed is good where the second is bad, and any two seeds drawn have mean 1/2; within datasets, drawn
    independently, they may all be good:

    >>> cluster_interval([[0.0, 1.0], [1.0, 0.0]], np.random.default_rng(0))
    (0.5, 0.5)
    >>> bootstrap_interval([[0.0, 1.0], [1.0, 0.0]], np.random.default_rng(0))
    (0.0, 1.0)

    Args:
        table: [seeds, datasets].
        rng: draws the resamples.
        confidence: of the interval.
        resamples: how many.

    Returns:
        Both ends, in the units of the table; NaN for fewer than two seeds.

    Raises:
        ValueError: the table does not have two axes, has no dataset, or a value is NaN or infinite.
    """
    values = np.asarray(table, dtype=float)
    if values.ndim != 2 or not values.shape[1]:
        raise ValueError(f"a table [seeds, datasets] is wanted, not one of shape {values.shape}")
    return bootstrap_interval([values.mean(axis=1).tolist()], rng, confidence=confidence, resamples=resamples)


def clustered_rate_interval(failures: int, n: int, clusters: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the interval of a failure rate where the runs of a cluster may fail together.

    It is the exact one as of one run a cluster, at the same rate: the effective number of runs at its least (Korn and
    Graubard 1998, with all of the variance between clusters). Where runs fail one by one it is wider than need be.

    No failure in twelve runs of three winners is no more than none in three, of which the chance is 2.5 % at
    1 - 0.025^(1/3):

    >>> low, high = clustered_rate_interval(0, 12, 3)
    >>> low, round(high, 4), round(1 - 0.025 ** (1 / 3), 4)
    (0.0, 0.7076, 0.7076)

    Args:
        failures: runs that failed.
        n: all runs.
        clusters: in which they are, alike.
        confidence: of the interval.

    Raises:
        ValueError: ``n`` or ``clusters`` is below 1, or ``failures`` is not among 0..n.
    """
    if min(n, clusters) < 1 or not 0 <= failures <= n:
        raise ValueError(f"{failures} of {n} runs in {clusters} clusters cannot have failed")
    tail, count = (1 - confidence) / 2, failures * clusters / n
    low = stats.beta.ppf(tail, count, clusters - count + 1) if failures else 0.0
    high = stats.beta.isf(tail, count + 1, clusters - count) if failures < n else 1.0
    return float(low), float(high)


def rate_interval(failures: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact interval of a failure rate: it covers at least as often as it says (Clopper and Pearson 1934).

    No failure in five: the rate whose chance of that is 2.5 % is 1 - 0.025^(1/5).

    >>> low, high = rate_interval(0, 5)
    >>> low, round(high, 4)
    (0.0, 0.5218)

    Args:
        failures: runs that failed.
        n: all runs.
        confidence: of the interval.

    Raises:
        ValueError: ``n`` is below 1, or ``failures`` is not among 0..n.
    """
    interval = stats.binomtest(failures, n).proportion_ci(confidence, method="exact")
    return float(interval.low), float(interval.high)
