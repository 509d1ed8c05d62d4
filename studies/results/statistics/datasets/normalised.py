"""Errors on a scale that datasets share, and what a choice of procedure costs on it."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from core.errors import InputError


def share_of_gap(errors: ArrayLike, *, narrow: ArrayLike, wide: ArrayLike) -> NDArray[np.float64]:
    """Return how much of the gap between two dense networks an error closes: 0 as the narrow one, 1 as the wide one.

    The narrow network has about the arm's cost, the wide one all blocks. Negative is worse than the narrow one, above 1
    better than the wide one.

    Half of a gap of four points, and half a gap more than none of it:

    >>> share_of_gap([0.08, 0.12], narrow=0.10, wide=0.06).round(4).tolist()
    [0.5, -0.5]

    Args:
        errors: [...], of arms.
        narrow: of the narrow dense network in the same settings.
        wide: of the wide dense network.

    Returns:
        Shares; NaN where the wide network is no better than the narrow one, since there is no gap to close.
    """
    error, low, high = (np.asarray(value, dtype=float) for value in (errors, wide, narrow))
    gap = np.where(high > low, high - low, np.nan)
    return np.asarray((high - error) / gap)


def regrets(scores: ArrayLike) -> NDArray[np.float64]:
    """Return by how much each procedure falls short of the best one of each setting, which costs 0.

    The second is best in the first setting, the first in the second:

    >>> regrets([[0.25, 0.75], [0.5, 0.25]]).tolist()
    [[0.5, 0.0], [0.0, 0.25]]

    Args:
        scores: [settings, procedures], higher is better, on a scale that settings share, such as
            :func:`share_of_gap`; the mean over settings is then the mean regret of always taking one procedure.

    Raises:
        InputError: the table does not have two axes, is empty, or has a value that is not finite.
    """
    table = np.asarray(scores, dtype=float)
    if table.ndim != 2 or not table.size or not np.isfinite(table).all():
        raise InputError("a table [settings, procedures] of finite scores is wanted")
    return np.asarray(table.max(axis=1, keepdims=True) - table)
