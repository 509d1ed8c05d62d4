"""Optimism against the size of a search, from the runs of the search alone."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from studies.results.results import GROUP, Results, with_counted_errors
from studies.results.statistics.intervals import t_interval
from studies.results.statistics.winners import expected_of_best


def optimism_curve(results: Results) -> pd.DataFrame:
    """Return how much too good the winner of k points looks, one row per ``GROUP`` and k = 1..K; errors are fractions.

    A point of a search is chosen by its validation error on one tuning seed, among k of the K points, and looked at
    again on the other tuning seeds of the same search: ``chosen_by`` is the error by which it was chosen,
    ``afterwards`` its mean error on the others, and ``optimism`` the second minus the first. Each is the mean over all
    subsets of k points, over the seeds that may choose, and over the searches; ``ci_low`` and ``ci_high`` are the 95 %
    t interval of the optimism over the searches, which have their points and seeds for themselves. At k = 1 nothing is
    chosen, and the optimism is 0. Runs that failed count at the chance floor.

    Returns:
        ``GROUP``, ``family``, ``k``, ``searches``, ``chosen_by``, ``afterwards``, ``optimism``, ``ci_low`` and
        ``ci_high``; empty without a search on two tuning seeds or more.
    """
    found = optimism_of_searches(results)
    if found.empty:
        return found
    rows: list[dict[str, Any]] = []
    for key, group in found.groupby([*GROUP, "family", "k"], sort=False):
        low, high = t_interval(group["optimism"].tolist())
        means = {column: float(group[column].mean()) for column in ("chosen_by", "afterwards", "optimism")}
        names = dict(zip((*GROUP, "family", "k"), key, strict=True))
        rows.append({**names, "searches": len(group), **means, "ci_low": low, "ci_high": high})
    return pd.DataFrame(rows)


def optimism_of_searches(results: Results) -> pd.DataFrame:
    """Return the same search by search: ``GROUP``, ``family``, ``search``, ``k`` and what :func:`best_of` found."""
    if results.protocol.search is None or results.protocol.search.seeds < 2:
        return pd.DataFrame()
    runs = with_counted_errors(results.runs)
    rows: list[dict[str, Any]] = []
    for key, group in runs[runs["stage"] == "search"].groupby([*GROUP, "family", "search"], sort=False):
        errors = group.pivot_table(index="point", columns="seed", values="counted_validation_error").to_numpy()
        names = dict(zip((*GROUP, "family", "search"), key, strict=True))
        for k in range(1, len(errors) + 1):
            chosen_by, afterwards = best_of(errors, k)
            found = {"chosen_by": chosen_by, "afterwards": afterwards, "optimism": afterwards - chosen_by}
            rows.append({**names, "k": k, **found})
    return pd.DataFrame(rows)


def best_of(errors: NDArray[np.float64], k: int) -> tuple[float, float]:
    """Return the expected error of the best of ``k`` points on the seed that chose it, and on the other seeds.

    Two points with the errors .1 and .3 on one seed, and .4 and .2 on the other: either seed chooses another point,
    whose errors are .1 and then .4, or .2 and then .3.

    >>> at_first, later = best_of(np.array([[0.1, 0.4], [0.3, 0.2]]), 2)
    >>> round(at_first, 3), round(later, 3)
    (0.15, 0.35)

    Args:
        errors: ``[points, seeds]``, of at least two seeds.
        k: how many of the points are tried.
    """
    found = [
        expected_of_best(errors[:, seed].tolist(), np.delete(errors, seed, axis=1).mean(axis=1).tolist(), k)
        for seed in range(errors.shape[1])
    ]
    at_first, later = np.mean(found, axis=0).tolist()
    return at_first, later
