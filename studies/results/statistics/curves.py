"""Curves over thresholds and over the size of a search."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import integrate, special, stats


def survival(values: ArrayLike, at: Sequence[float]) -> list[float]:
    """Return the performance profile: for each threshold, the share of values above it (Dolan and Moré 2002).

    One of four is above 0.2, and all are above 0:

    >>> survival([0.1, 0.2, 0.2, 0.3], at=[0.0, 0.2])
    [1.0, 0.25]

    Args:
        values: [n], errors; infinite ones count as beyond every finite threshold.
        at: thresholds, in the same units.

    Raises:
        ValueError: there are no values, or one is NaN.
    """
    sample = np.asarray(values, dtype=float)
    if not sample.size:
        raise ValueError("no values have no profile")
    largest = np.finfo(float).max
    shares: list[float] = stats.ecdf(np.clip(sample, -largest, largest)).sf.evaluate(np.asarray(at, float)).tolist()
    return shares


def expected_best(values: Sequence[float], k: int) -> float:
    """Return the expected lowest of ``k`` of the values, drawn without replacement: that of a search of k trials.

    It is the mean over all subsets of size k, hence unbiased (Dodge et al. 2021). The i-th lowest value is the lowest
    of those subsets whose other k - 1 values are among the N - i above it.

    The pairs of 1, 2, 3 have minima 1, 1 and 2:

    >>> round(expected_best([3.0, 1.0, 2.0], 2), 4)
    1.3333

    Args:
        values: [N], validation errors of the trials of one search; may be infinite.
        k: trials of a smaller search.

    Returns:
        The expected error, in the same units.

    Raises:
        ValueError: ``k`` is not among 1..N.
    """
    n = len(values)
    if not 1 <= k <= n:
        raise ValueError(f"k is among 1..{n}, not {k}")
    subsets = special.comb(n, k, exact=True)
    # The k - 1 highest are the lowest of none.
    ascending = sorted(values)[: n - k + 1]
    weights = [special.comb(n - rank, k - 1, exact=True) / subsets for rank in range(1, len(ascending) + 1)]
    return math.fsum(weight * float(value) for weight, value in zip(weights, ascending, strict=True))


def expected_maximum_of_normals(k: int) -> float:
    """Return the expected highest of ``k`` independent standard normal numbers.

    It is the integral of 1 - F(x)^k - F(-x)^k over x > 0 (David and Nagaraja 2003). The winner of k configurations that
    differ by noise of standard deviation sigma alone, each averaged over S seeds, looks better than it is by
    sigma / sqrt(S) times this.

    That of two is 1 / sqrt(pi):

    >>> round(expected_maximum_of_normals(2), 4), round(1 / math.sqrt(math.pi), 4)
    (0.5642, 0.5642)

    Args:
        k: how many.

    Returns:
        The expectation, to 1e-6.

    Raises:
        ValueError: ``k`` is below 1.
    """
    if k < 1:
        raise ValueError(f"k is at least 1, not {k}")

    def integrand(x: float) -> float:
        return float(-special.expm1(k * special.log_ndtr(x)) - special.ndtr(-x) ** k)

    # Beyond 40 no double is left of the normal tail.
    integral, _ = integrate.quad(integrand, 0.0, 40.0, epsabs=1e-9, limit=200)
    return float(integral)
