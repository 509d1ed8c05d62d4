"""Times per call beside dense networks, batch size by batch size."""

import pandas as pd

from studies.catalogue.batch_size.batch_speedup import BATCH_SPEEDUP
from studies.catalogue.batch_size.call_times import call_times
from studies.catalogue.batch_size.latency import LATENCY
from studies.formatting import count, number, percent, share
from studies.metric import error_text
from studies.report.drawing.notes import sample_note
from studies.report.figures.seeds import SEEDS
from studies.results import GROUP, Results
from studies.results.table import Column, Table

SHOWN_BATCHES = (1, 32, 128, 512)


def _numbers(results: Results) -> pd.DataFrame:
    """A row per strategy, setting and shown batch size, with both references side by side."""
    times = call_times(results)
    if times.empty:
        return times
    shown = times[times["batch"].isin(SHOWN_BATCHES)]
    keys = [*GROUP, "batch"]
    rows = shown[shown["reference"] == "dense"].drop(columns=["family", "reference"])
    narrow = shown[shown["reference"] == "dense of equal MACs"].drop(columns=["family", "reference", "microseconds"])
    both = rows.merge(narrow, on=keys, suffixes=("", "_equal"), validate="one_to_one")
    both["examples_per_second"] = 1e6 * both["batch"] / both["microseconds"]
    return both.merge(results.summary[[*GROUP, "mean", "test_density"]], on=list(GROUP), how="left")


def _ratio(value: float) -> str:
    return number(value, 1 if value >= 10 else 2)


TABLE = Table(
    name="batches",
    title="Time per call, by batch size",
    numbers=_numbers,
    columns=(
        Column("network", "network"),
        Column("arm", "arm"),
        Column("target_density", "τ", share),
        Column("test_density", "density", percent),
        Column("mean", "error", error_text, keys=("dataset", "mean")),
        Column("batch", "batch", str),
        Column("microseconds", "µs", count),
        Column("examples_per_second", "examples/s", count),
        Column("speedup", "times as fast as dense", _ratio),
        Column("speedup_equal", "as one of equal MACs", _ratio),
    ),
    caption=lambda results: (
        "Processor time of one call on a batch, on one core, and how many times as fast that is as a dense network of "
        "the same widths and as one of equal multiply-adds that took turns with it: medians over the repetitions of "
        "all seeds; the CSV has their 10th and 90th percentiles, and the same by the wall clock. "
        + sample_note(results)
    ),
)

FIGURES = (BATCH_SPEEDUP, LATENCY, SEEDS)

TABLES = (TABLE,)
