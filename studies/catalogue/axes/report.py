"""The two-way table, what each axis is worth, and both beside what is spent."""

import pandas as pd

from core.strategy import Family
from studies.catalogue.axes import DISTRIBUTIONS, ESTIMATORS
from studies.formatting import count, percent
from studies.metric import (
    difference_interval_text,
    difference_text,
    difference_units,
    error_interval_text,
    error_label,
    error_text,
    in_units,
)
from studies.report.drawing.by_level import by_level
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import Labels
from studies.report.figures.error_against_macs import ERROR_AGAINST_MACS
from studies.report.figures.seeds import SEEDS
from studies.results import GROUP, SETTING, Results
from studies.results.examples.covered import over
from studies.results.statistics.two_way import two_way
from studies.results.table import Column, Table, setting_columns

# Whose hues the estimators have in figures.
_HUES: dict[str, Family] = {
    "score function (RLOO)": "policy gradient",
    "local expectation": "policy gradient",
    "antithetic pairs": "policy gradient",
    "straight-through": "relaxation",
    "ReinMax": "relaxation",
    "relaxation": "relaxation",
    "imitation of search": "search",
    "imitation of greedy": "search",
}
_KINDS = {"row": "estimator", "column": "gates", "interaction": "beyond both"}


def cells(results: Results) -> pd.DataFrame:
    """Return a row per cell of the table: its error with interval, density and cost."""
    columns = ["n", "failures", "mean", "ci_low", "ci_high", "test_error_fallback", "test_density", "all_closed"]
    table = results.with_levels(results.summary[[*GROUP, *columns, "test_macs", "train_macs"]])
    table = table[table["estimator"].notna()].reset_index(drop=True)
    return table.assign(
        interval=[
            error_interval_text(*each) for each in zip(table["dataset"], table["ci_low"], table["ci_high"], strict=True)
        ]
    )


def effects(results: Results) -> pd.DataFrame:
    """Return what each estimator, each distribution, and each cell beyond both adds to the error, per setting."""
    runs = results.with_levels(results.counted[[*SETTING, "arm", "seed", "error"]])
    crossed = runs[runs["estimator"].isin(list(ESTIMATORS)) & runs["gates"].isin(list(DISTRIBUTIONS))]
    crossed = crossed.rename(columns={"estimator": "row", "gates": "column"})
    tables = [
        two_way(rows).assign(**{name: rows[name].iloc[0] for name in SETTING})
        for _, rows in crossed.groupby(list(SETTING), sort=False)
    ]
    if not tables:
        return pd.DataFrame(columns=[*SETTING, "of", "level", "n", "effect", "ci_low", "ci_high", "std"])
    found = pd.concat(tables, ignore_index=True)
    found = found[found["kind"] != "mean"]
    level = found["row"] + found["column"].where(found["kind"] != "interaction", ", " + found["column"])
    found = found.assign(of=found["kind"].map(_KINDS), level=level)
    return found[[*SETTING, "of", "level", "n", "effect", "ci_low", "ci_high", "std"]].reset_index(drop=True)


def _by_gates(results: Results) -> pd.DataFrame:
    table = cells(results)
    return pd.DataFrame(
        {
            **{name: table[name] for name in SETTING},
            "series": table["estimator"],
            "family": table["estimator"].map(_HUES).fillna("control"),
            "level": table["gates"],
            **{
                key: in_units(table, table[column])
                for key, column in (("value", "mean"), ("low", "ci_low"), ("high", "ci_high"))
            },
        }
    )


CELLS = Table(
    name="cells",
    title="Estimators by gate distribution",
    numbers=cells,
    columns=(
        Column("estimator", "estimator"),
        Column("gates", "gates"),
        *setting_columns(),
        Column("mean", "test error", error_text, keys=("dataset", "mean")),
        Column("interval", "95 % interval"),
        Column("test_error_fallback", "with fallback", error_text, keys=("dataset", "test_error_fallback")),
        Column("test_density", "density", percent),
        Column("all_closed", "fully closed", percent),
        Column("test_macs", "MACs", count),
        Column("train_macs", "training MACs", count),
    ),
    caption=lambda results: (
        f"Test error with own gates and its 95 % interval over {over(results.summary)}, with the fallback, realised "
        "density, and multiply-adds of a test example and of training. " + sample_note(results)
    ),
)

EFFECTS = Table(
    name="effects",
    title="What each axis is worth",
    numbers=effects,
    columns=(
        Column("of", "axis"),
        Column("level", "level"),
        *setting_columns(),
        Column("effect", "adds", difference_text, keys=("dataset", "effect")),
        Column("ci_low", "95 % interval", difference_interval_text, keys=("dataset", "ci_low", "ci_high")),
    ),
    caption=lambda results: (
        f"What each estimator, and each gate distribution, adds to the mean test error of all crossed cells, and what "
        f"a cell adds beyond both, in {difference_units(results.runs)}, with 95 % t intervals over seeds that are not "
        "corrected for their number. Effects of an axis sum to 0. " + sample_note(results)
    ),
)

BY_GATES = by_level(
    "error_by_gates",
    "Error by estimator and gate distribution",
    lambda numbers: Labels("gate distribution", error_label(numbers)),
    _by_gates,
    "Test error with own gates: means over seeds and their 95 % intervals, by what is sampled and how it is learned.",
    log=True,
)

FIGURES = (BY_GATES, ERROR_AGAINST_MACS, SEEDS)

TABLES = (CELLS, EFFECTS)
