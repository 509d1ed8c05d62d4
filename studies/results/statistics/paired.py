"""Two strategies side by side: tests of paired differences, and how often one is below the other."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats
from statsmodels.stats.multitest import multipletests

# The most seeds that the protocol asks for. Measured: 20 take 7 ms and 30 take 0.2 s and 7 MB.
EXACT_UP_TO = 30
FLIPS = 99_999
_BATCH = 4096


def sign_flip_p(differences: ArrayLike, rng: np.random.Generator | None = None) -> float:
    """Return the two-sided p value of the sign flip test that the mean difference is 0 (Fisher 1935).

    It is the share of all 2^n ways to choose signs whose sum is at least as far from 0 as the one seen. That one and
    its mirror image are among them, so p is never below 2 / 2^n, and five seeds never reach 0.05.

    Of the eight sums +-1 +-2 +-3 only 6 and -6 are as far from 0 as 1 + 2 + 3:

    >>> sign_flip_p([1.0, 2.0, 3.0])
    0.25

    Args:
        differences: one a seed, in any units.
        rng: draws 99,999 random flips where there are more than ``EXACT_UP_TO`` differences; p is then
            (flips as far + 1) / 100,000 (Phipson and Smyth 2010).

    Returns:
        p; 1.0 where all differences are 0, or there are none.

    Raises:
        ValueError: a difference is NaN or infinite, or there are more than ``EXACT_UP_TO`` and no ``rng``.
    """
    values = np.asarray(differences, dtype=float)
    if not np.isfinite(values).all():
        raise ValueError("a sign flip test needs finite differences: count failures for a finite error")
    scale = np.abs(values).sum()
    if scale == 0:
        return 1.0
    values = values / scale
    # Sums that are equal but for rounding count as equal. scipy's own tolerance shrinks with the sum seen, and misses
    # ties between small sums of large differences.
    seen = abs(values.sum()) - 1e-12
    if seen <= 0:
        return 1.0
    if len(values) <= EXACT_UP_TO:
        # Every sum is one of the first half plus one of the second, so 2 * 2^(n/2) of them stand for all 2^n. A flipped
        # zero changes no share, and scipy wants at least two values.
        first, second = np.array_split(np.pad(values, (0, max(0, 4 - len(values)))), 2)
        sums = np.sort(_sums_of_flips(first))
        others = _sums_of_flips(second)
        as_far = np.sum(len(sums) - np.searchsorted(sums, seen - others))
        return float(2 * as_far / (len(sums) * len(others)))
    if rng is None:
        raise ValueError(f"more than {EXACT_UP_TO} differences are flipped at random, which needs a generator")
    as_far = np.count_nonzero(np.abs(_sums_of_flips(values, rng)) >= seen)
    return float((as_far + 1) / (FLIPS + 1))


def _sums_of_flips(values: NDArray[np.float64], rng: np.random.Generator | None = None) -> NDArray[np.float64]:
    return stats.permutation_test(
        (values,),
        np.sum,
        permutation_type="samples",
        vectorized=True,
        n_resamples=2 ** len(values) if rng is None else FLIPS,
        batch=_BATCH,
        rng=rng,
    ).null_distribution


def holm(p_values: Sequence[float], alpha: float = 0.05) -> list[float]:
    """Return the p values of one family of contrasts, adjusted (Holm 1979), in the order given.

    The smallest of three counts three times, the next twice, and none less than the one before it:

    >>> holm([0.01, 0.04, 0.03])
    [0.03, 0.06, 0.06]

    Args:
        p_values: of all contrasts that were planned, not only of those that look good.
        alpha: family-wise error rate; handed on, adjusted p values do not depend on it.

    Returns:
        Adjusted p values, at most 1: a contrast counts where its own is below ``alpha``.

    Raises:
        ValueError: a p value is not in 0..1.
    """
    # A NaN would not be adjusted, but count in the family.
    if not all(0 <= p <= 1 for p in p_values):
        raise ValueError(f"p values are in 0..1, but these are {list(p_values)}")
    if not len(p_values):
        return []
    _, adjusted, _, _ = multipletests(p_values, alpha=alpha, method="holm")
    return [float(p) for p in adjusted]


def probability_below(differences: ArrayLike, confidence: float = 0.95) -> tuple[float, float, float]:
    """Return how often a paired difference is below 0, ties counting one half, and the interval of Wilson (1927).

    The estimand is P(D < 0) + P(D = 0) / 2 of two strategies *on the same seed*; compare
    :func:`probability_of_improvement`. The interval is that of a count among all n, half of the ties included. A tie
    varies less than the coin that this takes it for, so ties widen the interval and never narrow it. The half of an odd
    tie counts as 0 at the low end and as 1 at the high end.

    Four of four: the low end is n / (n + z^2) = 4 / (4 + 1.96^2).

    >>> share, low, high = probability_below([-1.0, -1.0, -2.0, -1.0])
    >>> share, round(low, 4), high
    (1.0, 0.5101, 1.0)

    One of two and a tie: 0.75, from the low end of 1 of 2 to the high end of 2 of 2.

    >>> share, low, high = probability_below([-1.0, 0.0])
    >>> share, round(low, 4), high
    (0.75, 0.0945, 1.0)

    Args:
        differences: one a seed; infinite ones count, by their sign.
        confidence: of the interval.

    Returns:
        The share and both ends of its interval, in 0..1; NaN where there are no differences.

    Raises:
        ValueError: a difference is NaN.
    """
    values = np.asarray(differences, dtype=float)
    if np.isnan(values).any():
        raise ValueError("a difference is NaN, which is neither below 0 nor above")
    n = len(values)
    if not n:
        return math.nan, math.nan, math.nan
    count = np.count_nonzero(values < 0) + np.count_nonzero(values == 0) / 2
    low = stats.binomtest(math.floor(count), n).proportion_ci(confidence, method="wilson").low
    high = stats.binomtest(math.ceil(count), n).proportion_ci(confidence, method="wilson").high
    return float(count / n), float(low), float(high)


def probability_of_improvement(errors: ArrayLike, reference: ArrayLike) -> float:
    """Return P(X < Y) + P(X = Y) / 2 for X among ``errors`` and Y among ``reference``, drawn independently.

    It is U / (n m) of the rank sum test (Mann and Whitney 1947). Unpaired, so the noise that both share on a seed is
    not removed; compare :func:`probability_below`.

    Of the pairs 1 < 2, 1 < 3, 2 = 2, 2 < 3 three and a half are in favour:

    >>> probability_of_improvement([1.0, 2.0], [2.0, 3.0])
    0.875

    Args:
        errors: [n], of a strategy; may be infinite.
        reference: [m], of what it is compared with, in the same units.

    Raises:
        ValueError: one of them is empty, or has a NaN.
    """
    x, y = np.asarray(errors, dtype=float), np.asarray(reference, dtype=float)
    if not x.size or not y.size or np.isnan(x).any() or np.isnan(y).any():
        raise ValueError("both samples need values, and no NaN")
    # Only U is used, and the exact p value beside it takes long.
    pairs = stats.mannwhitneyu(y, x, method="asymptotic").statistic
    return float(pairs / (x.size * y.size))
