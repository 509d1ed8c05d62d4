"""Fronts of two costs, both lower is better: density or multiply-adds, and error."""

import math
from collections.abc import Sequence

import moocore
import numpy as np
from numpy.typing import ArrayLike, NDArray


def pareto_front(points: ArrayLike) -> NDArray[np.float64]:
    """Return the points that no other one is at least as good as in both columns, each once.

    The third is worse than the second in both:

    >>> pareto_front([[2.0, 2.0], [1.0, 3.0], [3.0, 3.0]]).tolist()
    [[1.0, 3.0], [2.0, 2.0]]

    Args:
        points: [N, 2]; N may be 0.

    Returns:
        [M, 2], sorted by the first column.

    Raises:
        ValueError: the points do not have two columns, or one is NaN.
    """
    return _sorted(moocore.filter_dominated(_checked(points)))


def hypervolume(points: ArrayLike, reference: tuple[float, float] = (1.0, 1.0)) -> float:
    """Return the area that the points dominate, up to a reference point (Zitzler and Thiele 1999).

    Two rectangles of 0.75 * 0.5 that share one of 0.5 * 0.5:

    >>> hypervolume([[0.25, 0.5], [0.5, 0.25]])
    0.5

    Args:
        points: [N, 2]; those beyond the reference add nothing.
        reference: the worst point of interest, in the units of the columns.

    Returns:
        The area, in the product of both units; 0.0 where there are no points.

    Raises:
        ValueError: the points do not have two columns, or one is NaN.
    """
    return float(moocore.hypervolume(_checked(points), ref=reference))


def attainment(points_by_seed: Sequence[ArrayLike], level: float) -> NDArray[np.float64]:
    """Return the attainment surface: the best points that a share of seeds reach, each by a point as good or better.

    It is a quantile of fronts (Grunert da Fonseca et al. 2001).

    Either seed reaches its own point. Both reach only what is as bad as the worse one in each column:

    >>> seeds = [[[1.0, 3.0]], [[2.0, 2.0]]]
    >>> attainment(seeds, 0.5).tolist(), attainment(seeds, 1.0).tolist()
    ([[1.0, 3.0], [2.0, 2.0]], [[2.0, 3.0]])

    Args:
        points_by_seed: [m, 2] of each seed. A seed without points counts, and reaches nothing.
        level: share of seeds, 0 < level <= 1; 0.5 is the median surface. With n seeds it is that of the next k / n.

    Returns:
        [P, 2], sorted by the first column; no points where too few seeds reach any.

    Raises:
        ValueError: there is no seed, ``level`` is out of range, or points are as in :func:`pareto_front`.
    """
    if not points_by_seed:
        raise ValueError("no seeds have no attainment surface")
    if not 0 < level <= 1:
        raise ValueError(f"level is above 0 and at most 1, not {level}")
    seeds = [_checked(points) for points in points_by_seed]
    needed = max(1, math.ceil(level * len(seeds) - 1e-9))  # 0.07 * 100 is a little more than 7
    # moocore cannot see a seed without points.
    reaching = [points for points in seeds if len(points)]
    if needed > len(reaching):
        return np.empty((0, 2))
    number = np.repeat(np.arange(len(reaching)), [len(points) for points in reaching])
    surface = moocore.eaf(np.concatenate(reaching), number, percentiles=[100 * needed / len(reaching)])
    return _sorted(surface[:, :2])


def _checked(points: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(points, dtype=float)
    if not values.size:
        return np.empty((0, 2))
    if values.ndim != 2 or values.shape[1] != 2:
        raise ValueError(f"points [N, 2] are wanted, not an array of shape {values.shape}")
    if np.isnan(values).any():
        raise ValueError("a point is NaN, which no point is better or worse than")
    return values


def _sorted(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return points[np.argsort(points[:, 0])]
