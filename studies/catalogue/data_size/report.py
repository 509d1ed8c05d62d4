"""Errors beside dense networks of equal cost as examples grow, and where gates begin to pay."""

import pandas as pd

from studies.catalogue.data_size.crossing import against_examples, by_themselves, crossings
from studies.catalogue.data_size.difference_against_examples import DIFFERENCE_AGAINST_EXAMPLES
from studies.formatting import count, number
from studies.metric import difference_interval_text, difference_text, difference_units, error_text
from studies.report.drawing.notes import sample_note
from studies.report.figures.error_against_macs import ERROR_AGAINST_MACS
from studies.report.figures.failures import FAILURES
from studies.report.figures.forest import FOREST
from studies.report.figures.learning_curves import LEARNING_CURVES
from studies.results import GROUP, Results
from studies.results.contrasts import intervals
from studies.results.table import Column, Table


def by_size(results: Results) -> pd.DataFrame:
    """Return one row per arm and dataset, from few examples to many: its error, and what dense networks have."""
    found = against_examples(results)
    columns = [*GROUP, "data", "examples", "n", "failures", "reference_error", "difference", "ci_low", "ci_high"]
    table = found[[*columns, "primary", "verdict", "macs_ratio"]]
    table = table.merge(results.summary[[*GROUP, "mean"]], on=list(GROUP), how="left", validate="one_to_one")
    return table.assign(share=table["difference"] / table["reference_error"])


def _crosses(examples: float, least: float, most: float) -> str:
    if pd.isna(examples):
        return f"not up to {count(most)}"
    return f"at {count(least)} or before" if examples <= least else f"at about {count(float(f'{examples:.2g}'))}"


def _caption(results: Results) -> str:
    return (
        "Test error, that of dense networks at the multiply-adds that each run realised, and the difference, in "
        f"{difference_units(results.runs)} and as a share of the latter. {intervals(results)} {sample_note(results)}"
    )


def _caption_of_crossings(results: Results) -> str:
    return (
        "Where the mean difference to dense networks of equal multiply-adds goes below 0 for good, read off a straight "
        "line over the logarithm of the number of training examples; the largest number with an interval above 0, and "
        f"the smallest from which on all intervals are below 0: {by_themselves(results)} {sample_note(results)}"
    )


FIGURES = (DIFFERENCE_AGAINST_EXAMPLES, FOREST, ERROR_AGAINST_MACS, LEARNING_CURVES, FAILURES)

TABLES = (
    Table(
        "crossings",
        "Where gates begin to pay",
        crossings,
        (
            Column("data", "data", varying=True),
            Column("arm", "arm"),
            Column("examples", "pays", _crosses, keys=("examples", "least", "most")),
            Column("loses_up_to", "loses up to", count),
            Column("pays_from", "pays from", count),
        ),
        _caption_of_crossings,
    ),
    Table(
        "by_size",
        "Differences by number of examples",
        by_size,
        (
            Column("data", "data", varying=True),
            Column("examples", "examples", count),
            Column("arm", "arm"),
            Column("mean", "error", error_text, keys=("dataset", "mean")),
            Column("reference_error", "dense front", error_text, keys=("dataset", "reference_error")),
            Column("difference", "difference", difference_text, keys=("dataset", "difference")),
            Column("ci_low", "interval", difference_interval_text, keys=("dataset", "ci_low", "ci_high")),
            Column("share", "share", lambda share: number(100 * share, 1), note="Share: of the front's error, in %."),
            Column("verdict", "verdict", lambda verdict: verdict or "–"),
            Column("macs_ratio", "MACs ratio", lambda ratio: number(ratio, 2)),
        ),
        _caption,
    ),
)
