"""What searches flatter: a winner's score in its search against its scores on fresh seeds and on the test split."""

from typing import Any

import numpy as np
import pandas as pd

from studies.design.protocol import Protocol
from studies.metric import difference_interval_text, difference_text, difference_units, error_text
from studies.results.independent import independent_error_interval
from studies.results.results import GROUP, Results, error_ceiling
from studies.results.statistics.random_effects.procedure import procedure_optimism
from studies.results.table import Column, Table, setting_columns

COLUMNS = (
    *GROUP,
    *("n", "searches", "search_error", "fresh_validation_error", "test_error", "test_ci_low", "test_ci_high"),
    *("optimism_seed", "optimism_split", "optimism", "ci_low", "ci_high"),
    *("selected_search_error", "selected_test_error", "selected_optimism"),
)
_ERRORS = ("search_error", "fresh_validation_error", "test_error")


def measure_optimism(counted: pd.DataFrame, winners: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """Measure by how much searches' own scores were too good, one row per ``GROUP``; errors are fractions.

    ``optimism_seed`` is the winner's mean validation error on fresh seeds minus that in its search: what choosing the
    best of K noisy scores bought in luck. ``optimism_split`` is test minus validation error on the fresh seeds: what
    choosing the epoch, and tuning, on the validation split bought. ``optimism`` is their sum. Positive is too good.

    All are of the procedure: means over searches, each with the fresh seeds of its own winner. Intervals are 95 % ones
    over searches and seeds, see :mod:`studies.results.statistics.random_effects.procedure`, and missing for a single
    search. Those that begin with ``selected`` are of the first search alone, of which no interval tells anything about
    another. Failed runs count at the chance floor, as in the search.

    Args:
        counted: runs with the errors they count for, see :func:`studies.results.results.with_counted_errors`.
        winners: one row per search and group.
        protocol: how the search was done.

    Returns:
        ``COLUMNS``, where ``n`` is the number of seeds per search; empty without a search.

    One search whose winner had .10, and on two fresh seeds .11 and .13 in validation, .14 and .16 in test: the seeds'
    part is .12 - .10, the split's .15 - .12.

    >>> from studies.design.protocol import Search
    >>> key = {"dataset": ["digits"], "network": ["4x4"], "target_density": [0.25], "arm": ["top_k"]}
    >>> winners = pd.DataFrame({**key, "search": [0], "validation_error": [0.10]})
    >>> runs = pd.DataFrame({**{name: value * 2 for name, value in key.items()}, "stage": ["evaluate"] * 2,
    ...                      "search": [0, 0], "error": [0.14, 0.16], "counted_validation_error": [0.11, 0.13]})
    >>> protocol = Protocol(seeds=2, alpha=0.05, delta=0.005, search=Search(points=4, searches=1))
    >>> row = measure_optimism(runs, winners, protocol).iloc[0]
    >>> [round(float(row[part]), 3) for part in ("optimism_seed", "optimism_split", "optimism")]
    [0.02, 0.03, 0.05]
    """
    if protocol.search is None:
        return pd.DataFrame(columns=list(COLUMNS))
    fresh = counted[counted["stage"] == "evaluate"].groupby([*GROUP, "search"], sort=False)
    names = {"counted_validation_error": "fresh_validation_error", "error": "test_error"}
    afterwards = fresh[list(names)].mean().reset_index().rename(columns=names)
    before = winners[[*GROUP, "search", "validation_error"]].rename(columns={"validation_error": "search_error"})
    both = before.merge(afterwards, on=[*GROUP, "search"], validate="one_to_one")
    ceilings: dict[Any, float] = {name: error_ceiling(runs) for name, runs in counted.groupby("dataset")}
    rows = [
        {
            **dict(zip(GROUP, key, strict=True)),
            "n": protocol.seeds,
            **_row(group.sort_values("search"), ceilings[key[0]]),
        }
        for key, group in both.groupby(list(GROUP), sort=False)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(searches: pd.DataFrame, ceiling: float) -> dict[str, Any]:
    means = {error: float(searches[error].mean()) for error in _ERRORS}
    first = searches.iloc[0]
    test_low, test_high = independent_error_interval(searches["test_error"], ceiling)
    low, high = np.nan, np.nan
    if len(searches) > 1:
        fresh = searches["test_error"].to_numpy(float)[:, None] / ceiling
        found = procedure_optimism((searches["search_error"] / ceiling).tolist(), fresh, common_seeds=False)
        low, high = ceiling * found.low, ceiling * found.high
    return {
        "searches": len(searches),
        **means,
        "test_ci_low": test_low,
        "test_ci_high": test_high,
        "optimism_seed": means["fresh_validation_error"] - means["search_error"],
        "optimism_split": means["test_error"] - means["fresh_validation_error"],
        "optimism": means["test_error"] - means["search_error"],
        "ci_low": low,
        "ci_high": high,
        "selected_search_error": float(first["search_error"]),
        "selected_test_error": float(first["test_error"]),
        "selected_optimism": float(first["test_error"] - first["search_error"]),
    }


def _caption(results: Results) -> str:
    search = results.protocol.search
    assert search is not None
    return (
        f"By how much a search flatters, mean over R = {search.searches} searches of {search.points} points: "
        f"validation error of the winner in its search ({search.seeds} tuning seeds), the same on "
        f"{results.protocol.seeds} fresh seeds of its own, and test error there. “Seeds” and “split” are the two steps "
        f"between them in {difference_units(results.runs)}, “optimism” their sum with its 95 % interval over searches "
        "and seeds. “First search”: of that one alone, which says nothing of another."
    )


OPTIMISM = Table(
    name="optimism",
    title="What the search flatters",
    numbers=lambda results: results.optimism,
    columns=(
        Column("arm", "arm"),
        *setting_columns(),
        Column("search_error", "in the search", error_text, keys=("dataset", "search_error")),
        Column("fresh_validation_error", "fresh seeds", error_text, keys=("dataset", "fresh_validation_error")),
        Column("test_error", "test", error_text, keys=("dataset", "test_error")),
        Column("optimism_seed", "seeds", difference_text, keys=("dataset", "optimism_seed")),
        Column("optimism_split", "split", difference_text, keys=("dataset", "optimism_split")),
        Column("optimism", "optimism", difference_text, keys=("dataset", "optimism")),
        Column("ci_low", "95 % interval", difference_interval_text, keys=("dataset", "ci_low", "ci_high")),
        Column("selected_optimism", "first search", difference_text, keys=("dataset", "selected_optimism")),
    ),
    caption=_caption,
)
