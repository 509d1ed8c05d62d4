"""What is independent of what: seeds, or the searches of a searched study, each with its own seeds for its winner."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from studies.design.protocol import Search, search_of
from studies.results.statistics.intervals import t_interval, with_examples
from studies.results.statistics.looks import repeated_interval
from studies.results.statistics.random_effects.procedure import procedure_difference, procedure_error


def independent(by_seed: "pd.Series[Any]", search: Search | None) -> "pd.Series[float]":
    """Return one value per seed, or per search if there is one: the mean over the seeds of its winner.

    Runs of one winner share what the search found, so that only searches are independent of each other. Missing values,
    as of failed runs, are left out; a search without any other is too.

    Args:
        by_seed: its index are evaluation seeds.
        search: of the study.

    >>> errors = pd.Series([0.1, 0.3, 0.2, np.nan], index=[0, 1, 10_000, 10_001])
    >>> independent(errors, None).tolist(), independent(errors, Search(points=8)).round(3).tolist()
    ([0.1, 0.3, 0.2], [0.2, 0.2])
    """
    values = by_seed.dropna().astype(float).sort_index()
    return values if search is None else values.groupby(values.index.map(search_of)).mean()


def independent_error_interval(errors: "pd.Series[float]", ceiling: float = 1.0) -> tuple[float, float]:
    """Return the 95 % interval of a mean of independent errors, within 0 and their ceiling; NaN for fewer than two.

    It is the t interval on the logit scale, all of 0 to the ceiling where the errors are equal, see
    :func:`studies.results.statistics.random_effects.procedure.procedure_error`.

    Args:
        errors: one per seed, or per search.
        ceiling: the largest that they can be: 1 for shares, for bits those of guessing.
    """
    if len(errors) < 2:
        return np.nan, np.nan
    found = procedure_error(errors.to_numpy(float)[:, None] / ceiling, common_seeds=False)
    return ceiling * found.low, ceiling * found.high


def deciding_interval(
    differences: Sequence[float],
    level: float,
    search: Search | None,
    example_variance: float = np.nan,
    ceiling: float = 1.0,
) -> tuple[float, float]:
    """Return the interval of a mean of independent differences that a verdict is read off; NaN for fewer than two.

    It is that of :func:`studies.results.statistics.looks.repeated_interval`, and of a searched study that of
    :func:`studies.results.statistics.random_effects.procedure.procedure_difference`, within -1 and 1 ceilings.

    Args:
        differences: one per seed, or per search if there is one.
        level: 1 minus the confidence.
        search: of the study.
        example_variance: of the mean, what test examples make beyond what seeds show; NaN where it is not known, as in
            every searched study, leaves them out.
        ceiling: the largest that an error can be: 1 for shares, for bits those of guessing.
    """
    if search is None or len(differences) < 2:
        return repeated_interval(differences, level, example_variance=_known(example_variance))
    found = procedure_difference(np.asarray(differences, dtype=float)[:, None] / ceiling, level)
    return ceiling * found.low, ceiling * found.high


def exploratory_interval(
    differences: Sequence[float],
    level: float,
    search: Search | None,
    example_variance: float = np.nan,
    ceiling: float = 1.0,
) -> tuple[float, float]:
    """Return the t interval of a mean of independent differences; of a searched study it is within -1 and 1 ceilings.

    Searches that agree to the last digit bound nothing; seeds that do show no spread, and have an interval without
    width to say so, which test examples do not widen. For the arguments see :func:`deciding_interval`.
    """
    low, high = t_interval(differences, 1 - level)
    if search is not None and len(differences) >= 2:
        return (max(low, -ceiling), min(high, ceiling)) if low < high else (-ceiling, ceiling)
    if not low < high:
        return low, high
    return with_examples(float(np.mean(differences)), (low, high), _known(example_variance), 1 - level)


def _known(variance: float) -> float:
    return 0.0 if np.isnan(variance) else variance
