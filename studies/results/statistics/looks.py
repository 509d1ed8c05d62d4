"""Intervals that hold at every look: levels of the looks, and an interval of a mean of paired differences at one.

A study that looks at its seeds several times, and stops when it likes what it sees, errs more often than it says. Here
the looks are fixed before the first run and share alpha; the intervals, each at its look's level, cover the true mean
at all looks together with probability 1 - alpha (repeated confidence intervals: Jennison and Turnbull 1989).
"""

import functools
import itertools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import integrate, optimize, special, stats

from core.errors import InputError
from studies.results.statistics.intervals import with_examples
from studies.results.statistics.rounding import equal_but_for_rounding

_NODES = 801


def look_levels(looks: Sequence[int], alpha: float) -> tuple[float, ...]:
    """Return the two-sided level of the interval at each look, which together err with probability ``alpha``.

    Of alpha, ``alpha ln(1 + (e - 1) n / n_max)`` is spent by the look at n seeds, nearly alike over looks at equal
    distances (Lan and DeMets 1983, the spending function after Pocock). What each look's test statistic adds is
    integrated over the values at which no earlier look has stopped, for normal differences with known variance
    (Armitage, McPherson and Rowe 1969). The levels are then used with t quantiles, as Jennison and Turnbull (2000,
    section 3.8) advise where the variance is estimated.

    One look spends everything. Two at 10 and 20 seeds spend ln(1 + (e - 1) / 2) = 0.62 of it at the first:

    >>> look_levels([20], 0.05)
    (0.05,)
    >>> first, second = look_levels([10, 20], 0.05)
    >>> round(first / 0.05, 2), first + second > 0.05
    (0.62, True)

    Args:
        looks: numbers of seeds, at least 2 each, increasing.
        alpha: probability that any of the intervals misses the mean; divided by the number of contrasts beforehand.

    Raises:
        InputError: there is no look, they do not increase, or not 0 < alpha < 1.
    """
    if not looks or looks[0] < 2 or any(later <= earlier for earlier, later in itertools.pairwise(looks)):
        raise InputError(f"looks are increasing numbers of seeds from 2 upwards, not {list(looks)}")
    if not 0 < alpha < 1:
        raise InputError(f"alpha is above 0 and below 1, not {alpha}")
    return _levels(tuple(int(look) for look in looks), float(alpha))


@functools.lru_cache(maxsize=256)
def _levels(looks: tuple[int, ...], alpha: float) -> tuple[float, ...]:
    if len(looks) == 1:
        return (alpha,)
    information = np.asarray(looks, dtype=float) / looks[-1]
    spent = alpha * np.log1p((math.e - 1) * information)
    increments = np.diff(spent, prepend=0.0)
    levels = [float(increments[0])]
    # The score, sum of the standardised differences over sqrt(n_max), has independent increments.
    score, weighted = _nodes(stats.norm.isf(levels[0] / 2) * math.sqrt(information[0]))
    weighted = weighted * stats.norm.pdf(score, scale=math.sqrt(information[0]))
    for before, now, increment in zip(information, information[1:], increments[1:], strict=False):
        step = math.sqrt(now - before)

        def excess(
            bound: float,
            *,
            score: NDArray[np.float64] = score,
            weighted: NDArray[np.float64] = weighted,
            step: float = step,
            increment: float = increment,
        ) -> float:
            outside = special.ndtr((-bound - score) / step) + special.ndtr((score - bound) / step)
            return float(weighted @ outside - increment)

        bound = optimize.brentq(excess, 0.0, 40.0, xtol=1e-13)
        levels.append(float(2 * stats.norm.sf(bound / math.sqrt(now))))
        later, weights = _nodes(bound)
        weighted = weights * (weighted @ stats.norm.pdf((later - score[:, None]) / step) / step)
        score = later
    return tuple(levels)


def _nodes(bound: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Nodes and weights of Simpson's rule on -bound..bound."""
    nodes = np.linspace(-bound, bound, _NODES)
    weights = integrate.simpson(np.eye(_NODES), x=nodes, axis=1)
    return nodes, weights


def repeated_interval(
    differences: Sequence[float], level: float, *, example_variance: float = 0.0, test_over_train: float = 0.0
) -> tuple[float, float]:
    """Return the interval of the mean of paired differences at one look, widened for skewness.

    It is the t interval at this level, each end of which is moved outwards where the differences may be skewed so that
    t falls short of it. See :func:`repeated_intervals` for how far, and how often the intervals err.

    1, 2, 3 have mean 2, standard error 0.577 and no skewness; the 97.5 % quantile of t is 4.303. Three values may still
    come from a skewed distribution: the standard error of their skewness is 1.225, of which 6 / 3 parts count,
    2.449. Each end is 4.303 + 2.449 (1 + 2 * 4.303^2) / (4 * 1.732) = 17.75 standard errors from the mean:

    >>> low, high = repeated_interval([1.0, 2.0, 3.0], 0.05)
    >>> round(low, 1), round(high, 1)
    (-8.2, 12.2)

    That is of seeds alone. Seeds share test examples, and others would move the mean as well: with a variance of its
    own for that the interval is widened by :func:`studies.results.statistics.intervals.with_examples`. Where it is not
    known what each seed came to on each example, and each draws its own split, the standard error can be made to grow
    as in :func:`~studies.results.statistics.random_effects.seeds_and_examples.resampled_interval`.

    Where examples have a variance of 100, and z is 1.96, the ends are sqrt(10.25^2 + 19.6^2) from the mean:

    >>> low, high = repeated_interval([1.0, 2.0, 3.0], 0.05, example_variance=100.0)
    >>> round(high - 2.0, 1), round(math.hypot(10.25, 19.6), 1)
    (22.1, 22.1)

    Args:
        differences: [n], error of an arm minus error of its reference, one a seed.
        level: of this look, see :func:`look_levels`.
        example_variance: of the mean of the differences, from the test examples that seeds share, see
            :func:`~studies.results.statistics.random_effects.seeds_and_examples.example_variance`.
        test_over_train: test examples of a split over its training examples, where each seed draws its own split of one
            set of examples.

    Returns:
        Both ends in the units of the differences; NaN for fewer than two, no width where they are equal.

    Raises:
        InputError: a difference is NaN or infinite, not 0 < level < 1, or one of the last two is negative or NaN.
    """
    values = np.asarray(differences, dtype=float)
    if not (example_variance >= 0 and test_over_train >= 0):
        raise InputError(f"a variance and a ratio are at least 0, not {example_variance} and {test_over_train}")
    if len(values) < 2:
        return math.nan, math.nan
    if not np.isfinite(values).all():
        raise InputError("a difference is not finite: failed runs are a hurdle of their own, not a value")
    if equal_but_for_rounding(values):
        return float(values[0]), float(values[0])
    low, high = repeated_intervals(values, level)
    mean = float(values.mean())
    factor = math.sqrt(1 + len(values) * test_over_train)
    over_seeds = mean - factor * (mean - float(low)), mean + factor * (float(high) - mean)
    return with_examples(mean, over_seeds, example_variance, 1 - level)


def repeated_intervals(samples: ArrayLike, level: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the intervals of :func:`repeated_interval` of many samples at once.

    Johnson (1978) adds ``g / (6 sqrt(n)) + g t^2 / (3 sqrt(n))`` to t for a skewness g. Here q, the quantile of t, is
    moved outwards by 3/2 of that, at t = q, for the sample skewness G1 plus 6 / n of its standard error (for the upper
    end; for the lower one with -G1), and never inwards. Few values show little of the skewness they are drawn with,
    whence the factor and the margin; both were chosen by simulation. With looks at 6, 10, 16 and 24 seeds, and 1 or 5
    independent contrasts at a family-wise .05, t intervals err in .053 and .052 of studies where differences are normal
    and in .136 and .296 where they are exponential; these intervals in .032 and .028, and in .057 and .089. More is in
    docs/reference/statistics.md.

    Args:
        samples: [..., n], at least 2 finite values each, not all equal.
        level: of this look.

    Returns:
        Lower and upper ends, [...] each.

    Raises:
        InputError: there are fewer than 2 values, or not 0 < level < 1.
    """
    values = np.asarray(samples, dtype=float)
    n = values.shape[-1]
    if n < 2:
        raise InputError("an interval needs two values")
    mean = values.mean(axis=-1)
    centred = values - mean[..., None]
    squares = np.einsum("...i,...i->...", centred, centred)
    cubes = np.einsum("...i,...i,...i->...", centred, centred, centred)
    error = np.sqrt(squares / (n - 1) / n)
    with np.errstate(divide="ignore", invalid="ignore"):
        skewness = np.nan_to_num(cubes / n / (squares / n) ** 1.5, nan=0.0, posinf=0.0, neginf=0.0)
    lower, upper = quantiles(skewness * unbiasing(n), n, level)
    return mean - lower * error, mean + upper * error


def quantiles(skewness: ArrayLike, n: int, level: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how many standard errors the ends are below and above the mean.

    Without skewness, at a large n, they are those of t:

    >>> lower, upper = quantiles(0.0, 10_000, 0.05)
    >>> round(float(lower), 2), round(float(upper), 2)
    (1.96, 1.96)

    Args:
        skewness: [...], G1 of the samples: the third central moment in standard deviations, times :func:`unbiasing`.
        n: values of each sample.
        level: of the look.

    Raises:
        InputError: not 0 < level < 1.
    """
    if not 0 < level < 1:
        raise InputError(f"the level of a look is above 0 and below 1, not {level}")
    t = stats.t.isf(level / 2, n - 1)
    if n < 3:
        # Two values have no skewness.
        return np.full(np.shape(skewness), t), np.full(np.shape(skewness), t)
    estimate = np.asarray(skewness, dtype=float)
    margin = 6 / n * math.sqrt(6 * n * (n - 1) / ((n - 2) * (n + 1) * (n + 3)))
    slope = (1 + 2 * t**2) / (4 * math.sqrt(n))
    return t + slope * np.maximum(margin - estimate, 0.0), t + slope * np.maximum(margin + estimate, 0.0)


def unbiasing(n: int) -> float:
    """Return the factor that makes a sample's third standardised moment G1 (Joanes and Gill 1998); 0 below 3 values.

    >>> round(unbiasing(3), 4), unbiasing(2)
    (2.4495, 0.0)
    """
    return math.sqrt(n * (n - 1)) / (n - 2) if n > 2 else 0.0
