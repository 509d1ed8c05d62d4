"""What a search procedure is worth: the error of whoever searches once, takes the winner and trains it on a new seed.

The first search's winner says nothing of that, however many seeds it is run on: another search finds another winner.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from core.errors import InputError
from studies.results.statistics.intervals import t_interval
from studies.results.statistics.looks import repeated_interval
from studies.results.statistics.random_effects.crossed import crossed_mean
from studies.results.statistics.rounding import equal_but_for_rounding


@dataclass(frozen=True)
class Procedure:
    """A mean over searches and seeds.

    Args:
        mean: over all runs of all winners.
        low: lower end of its interval, over new searches and new seeds.
        high: upper end; above ``low`` always.
        searches: R.
        seeds: n of each winner.
    """

    mean: float
    low: float
    high: float
    searches: int
    seeds: int


def procedure_error(errors: ArrayLike, *, common_seeds: bool, confidence: float = 0.95) -> Procedure:
    """Return the mean error of the winners of R independent searches, and its interval over searches and seeds.

    Each winner on its own fresh seeds: the R means are independent, and their t interval is exact for normal errors.
    All winners on the same seeds: searches and seeds are crossed
    (:func:`~studies.results.statistics.random_effects.crossed.crossed_mean`). The interval is taken on the logit scale,
    and so stays within 0 and 1. Where nothing varies, or the mean is 0 or 1, nothing is known of the spread, and the
    interval is all of 0 to 1: a few equal runs are no proof that the next one is equal too.

    Winners at .10, .20 and .30 have a t interval of .20 +- .2484, that is +- 1.5526 on the logit scale, where .20 is
    -1.3863 and the ends are -2.9389 and .1663:

    >>> table = [[0.0, 0.2], [0.1, 0.3], [0.2, 0.4]]
    >>> found = procedure_error(table, common_seeds=False)
    >>> round(found.mean, 4), round(found.low, 4), round(found.high, 4)
    (0.2, 0.0503, 0.5415)

    On common seeds, the second of which is .20 worse for all winners, other seeds may be worse still:

    >>> round(procedure_error(table, common_seeds=True).high, 2)
    0.91

    Args:
        errors: [searches, seeds], test errors as fractions, at least two searches; at least two seeds if common.
        common_seeds: whether column s is the same seed for all searches, else each search's runs are of its own seeds.
        confidence: of the interval.

    Raises:
        InputError: there are fewer, or an error is not within 0 and 1, as that of a failed run is not: failures are
            a hurdle of their own.
    """
    cells = _table(errors, common_seeds)
    if (cells < 0).any() or (cells > 1).any():
        raise InputError("errors of a procedure are fractions within 0 and 1")
    mean, half = float(cells.mean()), _half_width(cells, common_seeds, confidence)
    if not half or mean in (0.0, 1.0):
        return Procedure(mean, 0.0, 1.0, *cells.shape)
    stretched, middle = half / (mean * (1 - mean)), special.logit(mean)
    low, high = float(special.expit(middle - stretched)), float(special.expit(middle + stretched))
    return Procedure(mean, low, high, *cells.shape)


def procedure_difference(differences: ArrayLike, level: float, *, common_seeds: bool = False) -> Procedure:
    """Return the mean difference of two procedures, paired by search and seed, and its interval at a level.

    Each search with its own seeds: the R means are independent, and their interval is that which decides for seeds
    (:func:`~studies.results.statistics.looks.repeated_interval`): t with R - 1 degrees of freedom, widened where the
    means may be skewed, as those of searches are of which one in a few finds nothing. At several looks there are more
    searches, as there are more seeds without a search. On common seeds: the t interval of
    :func:`~studies.results.statistics.random_effects.crossed.crossed_mean`. No difference of errors is beyond -1 and 1,
    where the interval is cut off, and all of that where nothing varies.

    Three searches with mean differences of -.05, -.04 and -.06, whose standard deviation is .01: the interval is -.05
    +- 17.75 * .01 / sqrt(3).

    >>> found = procedure_difference([[-0.05, -0.05], [-0.03, -0.05], [-0.07, -0.05]], 0.05)
    >>> round(found.mean, 4), round(found.high, 4), round(-0.05 + 17.75 * 0.01 / 3**0.5, 4)
    (-0.05, 0.0525, 0.0525)

    Args:
        differences: [searches, seeds], the arm's error minus the reference's in the same search on the same seed.
        level: of the look, see :func:`~studies.results.statistics.looks.look_levels`.
        common_seeds: as in :func:`procedure_error`.

    Raises:
        InputError: as :func:`procedure_error`, or not 0 < level < 1.
    """
    cells = _table(differences, common_seeds)
    mean = float(cells.mean())
    if common_seeds:
        half = crossed_mean(cells).half_width(1 - level)
        low, high = mean - half, mean + half
    else:
        low, high = repeated_interval(cells.mean(axis=1).tolist(), level)
    if not low < high:
        return Procedure(mean, -1.0, 1.0, *cells.shape)
    return Procedure(mean, max(low, -1.0), min(high, 1.0), *cells.shape)


def procedure_optimism(
    searched: Sequence[float], fresh: ArrayLike, *, common_seeds: bool, confidence: float = 0.95
) -> Procedure:
    """Return by how much searches flatter their winners: error on fresh seeds minus error in the search, over searches.

    The differences are of the same model as in :func:`procedure_error`, and positive where the search flattered. Fresh
    validation errors give the seeds' part of it, fresh test errors all of it.

    Winners that had .10, .20 and .25 in their searches have .15, .20 and .30 afterwards: .05, 0 and .05 more, which
    have mean .0333 and standard error .0167; the 97.5 % quantile of t with 2 degrees of freedom is 4.3027.

    >>> found = procedure_optimism([0.10, 0.20, 0.25], [[0.15], [0.20], [0.30]], common_seeds=False)
    >>> round(found.mean, 4), round(found.low, 4), round(0.05 * 2 / 3 - 4.3027 / 60, 4)
    (0.0333, -0.0384, -0.0384)

    Args:
        searched: [searches], the winner's validation error in its search.
        fresh: [searches, seeds], its errors on fresh seeds.
        common_seeds: as in :func:`procedure_error`.
        confidence: of the interval, which is cut off at -1 and 1, and all of that where nothing varies.

    Raises:
        InputError: as :func:`procedure_error`, or there is not one error of a search for each row.
    """
    cells = _table(fresh, common_seeds)
    before = np.asarray(searched, dtype=float)
    if before.shape != cells.shape[:1] or not np.isfinite(before).all():
        raise InputError(f"one finite error of a search is wanted for each of {len(cells)} rows of fresh ones")
    cells = cells - before[:, None]
    mean, half = float(cells.mean()), _half_width(cells, common_seeds, confidence)
    if not half:
        return Procedure(mean, -1.0, 1.0, *cells.shape)
    return Procedure(mean, max(mean - half, -1.0), min(mean + half, 1.0), *cells.shape)


def _table(errors: ArrayLike, common_seeds: bool) -> NDArray[np.float64]:
    cells = np.asarray(errors, dtype=float)
    if cells.ndim != 2 or len(cells) < 2 or cells.shape[1] < (2 if common_seeds else 1):
        raise InputError(f"two searches at least, and two seeds if common, are wanted, not a table of {cells.shape}")
    if not np.isfinite(cells).all():
        raise InputError("an error of a procedure is not finite: failed runs are a hurdle of their own")
    return cells


def _half_width(cells: NDArray[np.float64], common_seeds: bool, confidence: float) -> float:
    """Return half the width of the t interval; 0.0 where nothing varies."""
    if common_seeds:
        return crossed_mean(cells).half_width(confidence)
    means = cells.mean(axis=1).tolist()
    if equal_but_for_rounding(means):
        return 0.0
    low, high = t_interval(means, confidence)
    return math.fsum((high, -low)) / 2
