"""Ranks of arms over settings, and which arms they tell apart (Demsar 2006)."""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from core.errors import InputError


def mean_ranks(errors: ArrayLike) -> NDArray[np.float64]:
    """Return the mean rank of each arm over settings: 1 is the lowest error, and ties share their ranks.

    The first arm is first, then ties with the second:

    >>> mean_ranks([[0.1, 0.2, 0.3], [0.2, 0.2, 0.4]]).tolist()
    [1.25, 1.75, 3.0]

    Args:
        errors: [settings, arms], the mean error of an arm in a setting; infinite where it has none.

    Raises:
        InputError: the table does not have two axes, is empty, or has a NaN.
    """
    return np.asarray(stats.rankdata(_table(errors), axis=1).mean(axis=0))


def friedman_p(errors: ArrayLike) -> float:
    """Return the p value of all arms being alike (Friedman 1937): chi-square, so for some ten settings or more.

    Three arms in the same order in all of 4 settings: 12 / (3 * 4 * 4) times the sum of squares 4^2 + 8^2 + 12^2, minus
    3 * 4 * 4, is 8, of a chi-square with 2 degrees of freedom:

    >>> round(friedman_p([[0.1, 0.2, 0.3]] * 4), 4), round(math.exp(-8 / 2), 4)
    (0.0183, 0.0183)

    Args:
        errors: [settings, arms], at least two settings and three arms.

    Returns:
        p; 1.0 where all arms tie in every setting.

    Raises:
        InputError: there are fewer, or as :func:`mean_ranks`.
    """
    table = _table(errors)
    if len(table) < 2 or table.shape[1] < 3:
        raise InputError(f"Friedman's test takes two settings and three arms at least, not {table.shape}")
    ranks = stats.rankdata(table, axis=1)
    if np.ptp(ranks, axis=1).max() == 0:
        return 1.0
    return float(stats.friedmanchisquare(*ranks.T).pvalue)


def critical_difference(arms: int, settings: int, alpha: float = 0.05) -> float:
    """Return the difference of mean ranks from which on two of the arms are told apart (Nemenyi 1963).

    It holds for all pairs together: the quantile of the studentised range over sqrt(2), times ``sqrt(k (k + 1) / (6
    N))``. That of four arms is 2.569, which in 14 settings makes 1.25, as in Demsar's example:

    >>> round(critical_difference(4, 14), 2)
    1.25

    Args:
        arms: k, at least 2.
        settings: N, at least 2; correlated settings, such as densities of one dataset, count for less than they are.
        alpha: of the family of all pairs.

    Raises:
        InputError: there are fewer, or not 0 < alpha < 1.
    """
    if min(arms, settings) < 2 or not 0 < alpha < 1:
        raise InputError(f"two arms, two settings and a level between 0 and 1 are wanted, not {arms, settings, alpha}")
    quantile = stats.studentized_range.isf(alpha, arms, math.inf) / math.sqrt(2)
    return float(quantile * math.sqrt(arms * (arms + 1) / (6 * settings)))


def indistinct_groups(ranks: Sequence[float], difference: float) -> list[tuple[int, ...]]:
    """Return the largest sets of arms whose mean ranks all lie within less than a difference: the bars of a diagram.

    The second arm is told apart from neither of its neighbours, these are from each other, and the last is from all:

    >>> indistinct_groups([1.0, 2.0, 2.8, 5.0], 1.5)
    [(0, 1), (1, 2)]

    Args:
        ranks: mean rank of each arm.
        difference: see :func:`critical_difference`.

    Returns:
        Places of the arms in ``ranks``, best first, of every set of two and more.
    """
    order = sorted(range(len(ranks)), key=lambda place: ranks[place])
    groups: list[tuple[int, ...]] = []
    reached = 0
    for first, arm in enumerate(order):
        last = first
        while last + 1 < len(order) and ranks[order[last + 1]] - ranks[arm] < difference:
            last += 1
        if last > max(first, reached):
            groups.append(tuple(order[first : last + 1]))
            reached = last
    return groups


def _table(errors: ArrayLike) -> NDArray[np.float64]:
    table = np.asarray(errors, dtype=float)
    if table.ndim != 2 or not table.size:
        raise InputError(f"a table [settings, arms] is wanted, not one of shape {table.shape}")
    if np.isnan(table).any():
        raise InputError("an error is NaN, which has no rank")
    return table
