"""How much seeds differ by each source of variation, and how two quantities of arms go together."""

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats


def std_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Return the chi-square interval of the standard deviation of a normal sample; NaN for fewer than two values.

    The standard deviation of 1, 3 is the root of 2; the quantiles of chi-square with 1 degree of freedom are 0.00098
    and 5.0239:

    >>> low, high = std_interval([1.0, 3.0])
    >>> round(low, 3), round(high, 2)
    (0.631, 45.13)
    """
    degrees = len(values) - 1
    if degrees < 1:
        return math.nan, math.nan
    squares = degrees * float(np.var(values, ddof=1))

    def end(quantile: float) -> float:
        return math.sqrt(squares / float(stats.chi2.ppf(quantile, degrees)))

    return end((1 + confidence) / 2), end((1 - confidence) / 2)


def rank_correlation(
    one: Sequence[float], other: Sequence[float], confidence: float = 0.95
) -> tuple[float, float, float]:
    """Return Spearman's correlation and its interval by Fisher's z (Bonett and Wright 2000); NaN below four pairs
    and where all are equal.

    Ranks 1, 2, 3, 4, 5 and 1, 2, 3, 5, 4 give 1 - 6 * 2 / (5 * 24); z = 1.472 has the standard error
    sqrt((1 + 0.9^2 / 2) / 2) = 0.838:

    >>> correlation, low, high = rank_correlation([1, 2, 3, 4, 5], [1, 2, 3, 5, 4])
    >>> round(correlation, 2), round(low, 2), round(high, 2)
    (0.9, -0.17, 1.0)
    """
    if len(one) < 4 or len(set(one)) == 1 or len(set(other)) == 1:
        return math.nan, math.nan, math.nan
    correlation = float(stats.spearmanr(one, other).statistic)
    if abs(correlation) >= 1:
        return correlation, correlation, correlation
    error = math.sqrt((1 + correlation**2 / 2) / (len(one) - 3))
    half = float(stats.norm.ppf((1 + confidence) / 2)) * error
    centre = math.atanh(correlation)
    return correlation, math.tanh(centre - half), math.tanh(centre + half)
