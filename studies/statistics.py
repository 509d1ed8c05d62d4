"""Intervals and robust means over seeds (library functions under one set of names)."""

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats


def t_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Return the t interval of a mean; NaN for fewer than two values.

    Mean 2, standard error 1/sqrt(3), and the 97.5 % quantile of t with 2 degrees of freedom is 4.3027:

    >>> low, high = t_interval([1.0, 2.0, 3.0])
    >>> round(low, 4), round(high, 4)
    (-0.4841, 4.4841)
    """
    if len(values) < 2:
        return math.nan, math.nan
    # Equal but for rounding: scipy would warn of a loss of precision, and the interval is the value.
    if np.ptp(values) <= 1e-12 * np.max(np.abs(values)):
        return float(values[0]), float(values[0])
    interval = stats.ttest_1samp(values, popmean=0.0).confidence_interval(confidence)
    return float(interval.low), float(interval.high)


def interquartile_mean(values: Sequence[float]) -> float:
    """Return the 25 % trimmed mean. It hides failures in the tails, so it is never shown without mean and failures.

    >>> interquartile_mean([0.0, 2.0, 4.0, 100.0])
    3.0
    """
    return float(stats.trim_mean(values, 0.25))
