"""Errors and costs of trees and block gates as layers grow wider."""

import pandas as pd

from studies.catalogue.structures.width import hidden_units, over_widths
from studies.design import DENSE_FRONT
from studies.formatting import count, number
from studies.metric import difference_interval_text, difference_text, difference_units, error_interval_text, error_text
from studies.report.drawing.notes import sample_note
from studies.report.figures.seeds import SEEDS
from studies.results import GROUP, Results
from studies.results.contrasts import intervals
from studies.results.examples.covered import over
from studies.results.table import Column, Table


def by_width(results: Results) -> pd.DataFrame:
    """Return one row per strategy and network: error, cost, realised density, and what dense networks would have."""
    columns = ["n", "failures", "mean", "ci_low", "ci_high", "test_density", "all_closed", "dead_blocks", "test_macs"]
    table = results.summary[[*GROUP, *columns]]
    contrasts = results.contrasts[results.contrasts["reference"] == DENSE_FRONT]
    paired = contrasts[[*GROUP, "difference", "ci_low", "ci_high", "verdict"]]
    paired = paired.rename(columns={"ci_low": "difference_ci_low", "ci_high": "difference_ci_high"})
    table = table.merge(paired, on=list(GROUP), how="left").assign(
        hidden_units=table["network"].map(hidden_units), verdict=lambda rows: rows["verdict"].fillna("–")
    )
    return table.assign(
        interval=[
            error_interval_text(*each) for each in zip(table["dataset"], table["ci_low"], table["ci_high"], strict=True)
        ]
    )


def tree_against_blocks(results: Results) -> pd.DataFrame:
    """Return the contrasts of trees with block gates."""
    contrasts = results.contrasts
    trees = contrasts[(contrasts["arm"] == "tree_routing") & (contrasts["reference"] != DENSE_FRONT)]
    return trees.assign(hidden_units=trees["network"].map(hidden_units)).reset_index(drop=True)


def _caption(results: Results) -> str:
    return (
        f"Test error with 95 % intervals over {over(results.summary)}; its paired difference to dense networks at the "
        f"multiply-adds that each run realised, in {difference_units(results.runs)}, and the verdict; realised density "
        f"and multiply-adds, gater included, are means. {sample_note(results)}"
    )


def _caption_of_trees(results: Results) -> str:
    return (
        "Test error of tree_routing minus that of each reference on the same seeds, in "
        f"{difference_units(results.runs)}. {intervals(results)} {sample_note(results)}"
    )


FIGURES = (
    over_widths("error_against_width", "Error against width", "hidden_units", "mean"),
    over_widths("macs_against_width", "Cost against width", "hidden_units", "test_macs"),
    over_widths("error_against_cost", "Error against cost", "test_macs", "mean"),
    SEEDS,
)

TABLES = (
    Table(
        "by_width",
        "Strategies by width",
        by_width,
        (
            Column("hidden_units", "units", count),
            Column("arm", "arm"),
            Column("mean", "error", error_text, keys=("dataset", "mean")),
            Column("interval", "95 % interval"),
            Column("difference", "to dense", difference_text, keys=("dataset", "difference")),
            Column("verdict", "verdict"),
            Column("test_density", "density", lambda share: number(share, 4)),
            Column("test_macs", "MACs", count),
        ),
        _caption,
    ),
    Table(
        "trees",
        "Trees against block gates",
        tree_against_blocks,
        (
            Column("hidden_units", "units", count),
            Column("reference", "against"),
            Column("difference", "difference", difference_text, keys=("dataset", "difference")),
            Column("ci_low", "interval", difference_interval_text, keys=("dataset", "ci_low", "ci_high")),
            Column("p", "p", lambda p: number(p, 3)),
            Column("verdict", "verdict"),
        ),
        _caption_of_trees,
    ),
)
