"""A publication's numbers beside ours: one row per model that it gives and that was run."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import pandas as pd

from core.data import metric_of
from studies.formatting import number, percent
from studies.metric import error_text
from studies.results import Results
from studies.results.examples.covered import over
from studies.results.table import Column, Table

_TIMES = ("seconds", "masked_seconds", "speedup")


@dataclass(frozen=True)
class Published:
    """What a publication says of one model.

    Attributes:
        arm: that stands for the model in the study.
        error: test error, a fraction.
        seconds: of one pass over its test examples on one core.
        masked_seconds: the same without the sparse kernels.
        speedup: as printed there.
    """

    arm: str
    error: float
    seconds: float | None = None
    masked_seconds: float | None = None
    speedup: float | None = None


def pass_times(results: Results) -> pd.DataFrame:
    """Return the counted runs with what the measurement ``pass_time`` found, missing where a run was not measured.

    Runs whose errors are in bits are left out: what was published are shares of wrong predictions.


    ``speedup`` is the ratio of ``masked_seconds`` to ``seconds``.
    """
    columns = ["examples", "seconds", "masked_seconds"]
    keys = ["run_id", "arm"]
    times = results.measured("pass_time").reindex(columns=[*keys, *columns]).astype(dict.fromkeys(columns, float))
    counted = results.counted
    counted = counted[counted["dataset"].map(metric_of) == "error"]
    runs = counted.merge(times, on=keys, how="left", validate="one_to_one")
    return runs.assign(speedup=runs["masked_seconds"] / runs["seconds"])


def beside(results: Results, rows: Sequence[Published]) -> pd.DataFrame:
    """Return the summary's rows of these models, in their order, with the published numbers and our mean times.

    Published numbers are in the columns that begin with ``published_``; what was not published is missing.
    """
    names = {key: f"published_{key}" for key in ("error", *_TIMES)}
    published = pd.DataFrame([asdict(row) for row in rows]).rename(columns=names)
    published = published.astype(dict.fromkeys(names.values(), float))
    times = pass_times(results).groupby(["dataset", "arm"], sort=False)[["examples", *_TIMES]].mean().reset_index()
    columns = ["dataset", "arm", "network", "target_density", "n", "failures", "mean", "ci_low", "ci_high"]
    ours = results.summary[[*columns, "test_density"]].merge(times, on=["dataset", "arm"])
    return published.merge(ours, on="arm").sort_values("dataset", kind="stable", ignore_index=True)


def published_table(rows: Sequence[Published], source: str) -> Table:
    """Return a table of the published and our numbers, side by side.

    Args:
        rows: what was published, in its order.
        source: where.
    """

    def caption(results: Results) -> str:
        numbers = beside(results, rows)
        examples = ", ".join(f"{count:,.0f}" for count in sorted(set(numbers["examples"].dropna()))) or "no"
        datasets = ", ".join(dict.fromkeys(numbers["dataset"]))
        return (
            f"Published ({source}) beside measured on {datasets}: mean test error of {results.protocol.seeds} seeds "
            f"with its 95 % interval over {over(results.summary)}, {int(numbers['failures'].sum())} of "
            f"{int(numbers['n'].sum())} runs failed; "
            f"density realised on the test split; seconds of one pass over it ({examples} examples here) on one core, "
            "with the sparse kernels and without (all blocks computed, then masked), and their ratio. A dash: there is "
            "no such number."
        )

    return Table(
        name="published",
        title="Published and measured",
        numbers=lambda results: beside(results, rows),
        columns=(
            Column("arm", "model"),
            Column("published_error", "error, paper", error_text, keys=("dataset", "published_error")),
            Column("mean", "error, ours", error_text, keys=("dataset", "mean")),
            Column("ci_low", "from", error_text, keys=("dataset", "ci_low")),
            Column("ci_high", "to", error_text, keys=("dataset", "ci_high")),
            Column("test_density", "density, ours", percent),
            Column("published_seconds", "s, paper", _seconds),
            Column("published_masked_seconds", "s without, paper", _seconds),
            Column("published_speedup", "speed-up, paper", _ratio),
            Column("seconds", "s, ours", _seconds),
            Column("masked_seconds", "s without, ours", _seconds),
            Column("speedup", "speed-up, ours", _ratio),
        ),
        caption=caption,
    )


def _seconds(value: float) -> str:
    return "–" if pd.isna(value) else f"{value:.3g}"


def _ratio(value: float) -> str:
    return number(value, 1)
