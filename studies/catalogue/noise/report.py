"""Error and gates by noise and what is paid for entropy."""

import math

import pandas as pd

from core.strategy import Family
from studies.catalogue.noise import TRAINED, Kind
from studies.formatting import number, percent
from studies.metric import error_label, error_text, in_units
from studies.report.drawing.by_level import by_level
from studies.report.drawing.error_against import error_against
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import Labels
from studies.report.figures.seeds import SEEDS
from studies.results import GROUP, SETTING, Results
from studies.results.examples.covered import over
from studies.results.table import Column, Table

# Whose hues the kinds of noise have in figures.
HUES: dict[Kind, Family] = {"discrete": "policy gradient", "Gaussian": "relaxation", "none": "control"}


def _table(results: Results) -> pd.DataFrame:
    """A row per arm: its error with interval, and what its gates are like."""
    runs = results.counted.astype({"gate_entropy": float})
    gates = runs.groupby(list(GROUP), sort=False)["gate_entropy"].mean().reset_index()
    table = results.with_levels(results.summary.merge(gates, on=list(GROUP), validate="one_to_one"))
    return table.assign(paid=[_paid(*each) for each in zip(table["entropy"], table["floor"], strict=True)])


def _by_price(results: Results) -> pd.DataFrame:
    table = _table(results)
    table = table[table["noise"].isin([noise.name for noise in TRAINED])]
    shown = table[list(SETTING)].assign(
        series=table["noise"],
        family=table["kind"].map(HUES),
        # As words: they stand side by side, whatever their distance.
        level=table["paid"],
        place=table["entropy"].where(table["floor"] == 0, math.inf),
        **{
            key: in_units(table, table[column])
            for key, column in (("value", "mean"), ("low", "ci_low"), ("high", "ci_high"))
        },
    )
    # From left to right in the figure: by price, the floor last.
    return shown.sort_values("place", kind="stable").drop(columns="place").reset_index(drop=True)


def _paid(price: float, floor: float) -> str:
    """Say what is paid for entropy, in a word."""
    return f"floor {floor:g}" if floor else f"{price:+g}".replace("-", "−") if price else "none"


def _series(results: Results) -> pd.DataFrame:
    levels = results.with_levels(results.counted[["arm"]])
    return pd.DataFrame({"series": levels["noise"], "family": levels["kind"].map(HUES)})


TABLE = Table(
    name="noise",
    title="Error and gates by noise and what is paid for entropy",
    numbers=_table,
    columns=(
        Column("noise", "noise"),
        Column("paid", "paid for entropy"),
        Column("mean", "test error", error_text, keys=("dataset", "mean")),
        Column("ci_low", "from", error_text, keys=("dataset", "ci_low")),
        Column("ci_high", "to", error_text, keys=("dataset", "ci_high")),
        Column("test_error_fallback", "with fallback", error_text, keys=("dataset", "test_error_fallback")),
        Column("test_density", "density", percent),
        Column("gate_entropy", "gate entropy (nats)", lambda value: number(value, 3)),
        Column("all_closed", "fully closed", percent),
        Column("dead_blocks", "dead", lambda value: number(value, 1)),
    ),
    caption=lambda results: (
        f"Test error with its 95 % interval over {over(results.summary)}, with own gates and with the fallback, "
        "realised density and "
        "the mean entropy of the gates' own open-probabilities per block. " + sample_note(results)
    ),
)

AGAINST_ENTROPY = error_against(
    "error_against_entropy",
    "Error against the entropy of the gates",
    "realised entropy of the gates (nats per block)",
    lambda results: results.counted["gate_entropy"],
    "Test error with own gates against the mean entropy of the gates' own open-probabilities on the test split.",
    series=_series,
)

BY_PRICE = by_level(
    "error_by_price",
    "Error by noise and what is paid for entropy",
    lambda numbers: Labels("paid per nat and block of entropy, or its floor", error_label(numbers)),
    _by_price,
    "Test error with own gates: means over seeds and their 95 % intervals, by noise in training and by what is paid "
    "(below 0 charged) for entropy; under a floor, as much as it takes to keep it.",
    log=True,
)

FIGURES = (AGAINST_ENTROPY, BY_PRICE, SEEDS)

TABLES = (TABLE,)
