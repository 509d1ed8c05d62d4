"""What a search flatters: the winner's score in the search against its scores on fresh seeds and on the test split."""

from typing import Any

import numpy as np
import pandas as pd

from studies.design.protocol import Protocol
from studies.formatting import percent, points, points_interval
from studies.results.results import GROUP, Results
from studies.results.statistics.intervals import t_interval
from studies.results.table import Column, Table, setting_columns

COLUMNS = (
    *GROUP,
    *("n", "searches", "search_error", "fresh_validation_error", "test_error"),
    *("optimism_seed", "optimism_split", "optimism", "ci_low", "ci_high"),
    *("rerun_seeds", "procedure_mean", "procedure_ci_low", "procedure_ci_high"),
    *("procedure_optimism_seed", "procedure_optimism_split", "procedure_optimism"),
    *("procedure_optimism_ci_low", "procedure_optimism_ci_high"),
)


def measure_optimism(counted: pd.DataFrame, winners: pd.DataFrame, protocol: Protocol) -> pd.DataFrame:
    """Measure by how much the search's own score was too good, one row per ``GROUP``; errors are fractions.

    ``optimism_seed`` is the winner's mean validation error on fresh seeds minus that in the search: what choosing the
    best of K noisy scores bought in luck. ``optimism_split`` is test minus validation error on the fresh seeds: what
    choosing the epoch, and tuning, on the validation split bought. ``optimism`` is their sum. Positive is too good.

    These are of the selected configuration, the first search's winner; its interval is the 95 % t interval over the
    evaluation seeds, for this outcome of the search. Columns that begin with ``procedure`` are of all R winners, on
    their common first evaluation seeds; their 95 % t intervals are over the R searches and so cover the search's own
    variation. ``procedure_mean`` is the test error to be expected of whoever searches once and takes the winner.

    Args:
        counted: runs with the errors they count for, see :func:`studies.results.results.with_counted_errors`.
        winners: one row per search and group.
        protocol: how the search was done.

    Returns:
        ``COLUMNS``; empty without a search.

    One search whose winner had .10, and on two fresh seeds .11 and .13 in validation, .14 and .16 in test: the seeds'
    part is .12 - .10, the split's .15 - .12.

    >>> from studies.design.protocol import Search
    >>> key = {"dataset": ["digits"], "network": ["4x4"], "target_density": [0.25], "arm": ["top_k"]}
    >>> winners = pd.DataFrame({**key, "search": [0], "setting_id": ["a"], "validation_error": [0.10]})
    >>> runs = pd.DataFrame({**{name: value * 2 for name, value in key.items()}, "stage": ["evaluate"] * 2,
    ...                      "seed": [0, 1], "setting_id": ["a"] * 2, "error": [0.14, 0.16],
    ...                      "counted_validation_error": [0.11, 0.13]})
    >>> protocol = Protocol(seeds=2, alpha=0.05, delta=0.005, search=Search(points=4, searches=1))
    >>> row = measure_optimism(runs, winners, protocol).iloc[0]
    >>> [round(float(row[part]), 3) for part in ("optimism_seed", "optimism_split", "optimism")]
    [0.02, 0.03, 0.05]
    """
    if protocol.search is None:
        return pd.DataFrame(columns=list(COLUMNS))
    fresh = winners.rename(columns={"validation_error": "search_error"}).merge(
        counted.loc[
            counted["stage"] == "evaluate", [*GROUP, "setting_id", "seed", "error", "counted_validation_error"]
        ],
        on=[*GROUP, "setting_id"],
        how="left",
        validate="many_to_many",
    )
    common = min(protocol.search.rerun_seeds, protocol.seeds)
    rows = [
        {**dict(zip(GROUP, key, strict=True)), **_selected(group), **_procedure(group, common)}
        for key, group in fresh.groupby(list(GROUP), sort=False)
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _selected(group: pd.DataFrame) -> dict[str, Any]:
    own = group[group["search"] == 0].sort_values("seed")
    search_error = float(own["search_error"].iloc[0])
    validation, test = float(own["counted_validation_error"].mean()), float(own["error"].mean())
    low, high = t_interval((own["error"] - search_error).tolist())
    return {
        "n": len(own),
        "search_error": search_error,
        "fresh_validation_error": validation,
        "test_error": test,
        "optimism_seed": validation - search_error,
        "optimism_split": test - validation,
        "optimism": test - search_error,
        "ci_low": low,
        "ci_high": high,
    }


def _procedure(group: pd.DataFrame, common: int) -> dict[str, Any]:
    """Compare the R winners on the evaluation seeds that all of them were run on."""
    early = group[group["seed"] < common]
    by_search = early.groupby("search")[["search_error", "counted_validation_error", "error"]].mean().sort_index()
    optimism = by_search["error"] - by_search["search_error"]
    low, high = t_interval(by_search["error"].tolist())
    optimism_low, optimism_high = t_interval(optimism.tolist())
    return {
        "searches": len(by_search),
        "rerun_seeds": common,
        "procedure_mean": float(by_search["error"].mean()),
        "procedure_ci_low": low,
        "procedure_ci_high": high,
        "procedure_optimism_seed": float(np.mean(by_search["counted_validation_error"] - by_search["search_error"])),
        "procedure_optimism_split": float(np.mean(by_search["error"] - by_search["counted_validation_error"])),
        "procedure_optimism": float(optimism.mean()),
        "procedure_optimism_ci_low": optimism_low,
        "procedure_optimism_ci_high": optimism_high,
    }


def _caption(results: Results) -> str:
    search = results.protocol.search
    assert search is not None
    return (
        f"By how much a search flatters: validation error of the winner in the search ({search.points} points, "
        f"{search.seeds} tuning seeds), the same on {results.protocol.seeds} fresh seeds, and test error there. "
        "“Seeds” and “split” are the two steps between them in points, “optimism” their sum with its 95 % t interval "
        f"over the evaluation seeds. “Of the procedure”: the sum's mean over {search.searches} searches, with a 95 % t "
        "interval over these."
    )


OPTIMISM = Table(
    name="optimism",
    title="What the search flatters",
    numbers=lambda results: results.optimism,
    columns=(
        Column("arm", "arm"),
        *setting_columns(),
        Column("search_error", "in the search", percent),
        Column("fresh_validation_error", "fresh seeds", percent),
        Column("test_error", "test", percent),
        Column("optimism_seed", "seeds", points),
        Column("optimism_split", "split", points),
        Column("optimism", "optimism", points),
        Column("ci_low", "95 % interval", points_interval, keys=("ci_low", "ci_high")),
        Column("procedure_optimism", "of the procedure", points),
        Column(
            "procedure_optimism_ci_low",
            "95 % interval",
            points_interval,
            keys=("procedure_optimism_ci_low", "procedure_optimism_ci_high"),
        ),
    ),
    caption=_caption,
)
