"""What n seeds can detect, and how many it takes, by the two-sided paired t test (Cohen 1988, chapter 2)."""

import math
from bisect import bisect_left

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats

from studies.results.statistics.rounding import equal_but_for_rounding


def minimum_detectable(differences: ArrayLike, *, alpha: float, power: float = 0.8) -> float:
    """Return the smallest true mean difference that so many seeds, as noisy as these, detect.

    The differences 1, 2, ..., 20 have standard deviation sqrt(35), and 20 seeds detect 0.6604 of those, see
    :func:`detectable_at`:

    >>> round(minimum_detectable(range(1, 21), alpha=0.05), 3), round(0.6604 * math.sqrt(35), 3)
    (3.907, 3.907)

    Args:
        differences: [n], paired, one a seed.
        alpha: level of the two-sided test, that is, of the family divided by the number of its contrasts.
        power: probability to detect it.

    Returns:
        d_z times the standard deviation, in the units of the differences; NaN for fewer than two of them, and 0.0 where
        they are equal.

    Raises:
        ValueError: not 0 < alpha < power < 1.
    """
    values = np.asarray(differences, dtype=float)
    constant = len(values) > 0 and equal_but_for_rounding(values)
    std = 0.0 if constant or len(values) < 2 else float(np.std(values, ddof=1))
    return detectable_at(std, len(values), alpha=alpha, power=power)


def detectable_at(std: float, n: int, *, alpha: float, power: float = 0.8) -> float:
    """Return the smallest true mean difference that ``n`` seeds detect.

    Were the standard deviation known, it would be (1.96 + 0.84) / sqrt(20) = 0.63 of it for 20 seeds; the t test, which
    estimates it, needs the 0.66 that tables of its power give:

    >>> round(detectable_at(1.0, 20, alpha=0.05), 2)
    0.66

    Args:
        std: standard deviation of paired differences, with n - 1 in the denominator.
        n: seeds.
        alpha: level of the two-sided test.
        power: probability to detect it.

    Returns:
        The difference, in the units of ``std``; NaN for fewer than two seeds.

    Raises:
        ValueError: not 0 < alpha < power < 1, or ``std`` is negative.
    """
    if not 0 < alpha < power < 1:
        raise ValueError(f"0 < alpha < power < 1 is wanted, not alpha {alpha} and power {power}")
    if std < 0:
        raise ValueError(f"a standard deviation is at least 0, not {std}")
    if n < 2:
        return math.nan
    # TTestPower of statsmodels computes this from scipy's noncentral t, which has holes of NaN (scipy issue 25470): for
    # 10 seeds at 0.05 / 100 what it returns, without a warning, is detected in 69 %, not 80 %. The square of t is F,
    # whose noncentral distribution has no holes.
    threshold = stats.t.isf(alpha / 2, n - 1) ** 2

    def excess(shift: float) -> float:
        return float(stats.ncf.sf(threshold, 1, n - 1, shift**2)) - power

    high = 4.0
    while excess(high) < 0:
        high *= 2
    shift = optimize.brentq(excess, 0.0, high, xtol=1e-12, rtol=1e-12)
    return float(std * shift / math.sqrt(n))


def seeds_needed(difference: float, std: float, *, alpha: float, power: float = 0.8) -> int:
    """Return the fewest seeds, at least 2, that detect a mean difference.

    Half a standard deviation: (2.80 / 0.5)^2 = 31.4 seeds were it known, and 1.96^2 / 2 = 1.9 more as it is estimated.

    >>> seeds_needed(0.5, 1.0, alpha=0.05)
    34

    Args:
        difference: to detect, above 0.
        std: standard deviation of paired differences, in the same units.
        alpha: level of the two-sided test.
        power: probability to detect it.

    Returns:
        n, with ``detectable_at(std, n)`` at most ``difference``, and above it for n - 1.

    Raises:
        ValueError: ``difference`` is not above 0, ``std`` is negative or not finite, or not 0 < alpha < power < 1.
    """
    if not difference > 0:
        raise ValueError(f"a difference above 0 is wanted, not {difference}")
    if not math.isfinite(std):
        raise ValueError(f"a finite standard deviation is wanted, not {std}")

    def detected(n: int) -> bool:
        return detectable_at(std, n, alpha=alpha, power=power) <= difference

    most = 2
    while not detected(most):
        most *= 2
    return bisect_left(range(most), True, lo=max(2, most // 2), key=detected)
