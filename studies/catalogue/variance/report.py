"""The spread of seeds by source, and gradient estimators by variance, bias and error."""

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from studies.catalogue.variance import ALL, UNBIASED
from studies.catalogue.variance.spread import rank_correlation, std_interval
from studies.formatting import number, percent
from studies.metric import difference_label, difference_text, difference_units, error_text, in_units
from studies.report.drawing.by_level import by_level
from studies.report.drawing.error_against import error_against
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import Labels
from studies.report.figures.seeds import SEEDS
from studies.results import SETTING, Results
from studies.results.examples.covered import over
from studies.results.results import RUN_KEYS
from studies.results.statistics.intervals import sample_std
from studies.results.statistics.medians import median_interval
from studies.results.table import Column, Table


def spread_by_source(results: Results) -> pd.DataFrame:
    """Return a row per strategy and source: the standard deviation of test error, its interval, and its share.

    The share is that of the source's variance in the variance with all sources; shares need not add up to 1.
    """
    runs = results.with_levels(results.counted)
    if "source" not in runs:
        return pd.DataFrame()
    rows: list[dict[str, Any]] = []
    for key, group in runs[runs["source"].notna()].groupby([*SETTING, "strategy", "source"], sort=False):
        errors = group["error"].tolist()
        low, high = std_interval(errors)
        row = dict(zip((*SETTING, "strategy", "source"), key, strict=True))
        found = {"n": len(errors), "mean": np.mean(errors), "std": sample_std(errors), "std_low": low, "std_high": high}
        density = group["test_density"].astype(float).mean()
        rows.append({**row, "family": group["family"].iloc[0], **found, "test_density": density})
    if not rows:
        return pd.DataFrame()
    table = pd.DataFrame(rows)
    whole = table[table["source"] == ALL].set_index("strategy")["std"]
    return table.assign(share=(table["std"] / table["strategy"].map(whole)) ** 2)


# Of an estimator, see studies.catalogue.variance.measure_estimator.
MEASURED = ("relative_variance", "relative_bias", "bias_by_chance", "gradient")


def estimator_runs(results: Results) -> pd.DataFrame:
    """Return a row per run whose estimator was measured, with what was found before training and after it."""
    columns = [f"{when}_{key}" for when in ("initial", "trained") for key in MEASURED]
    found = results.measured("estimator").reindex(columns=[*RUN_KEYS, *columns]).dropna(subset=columns[:1])
    trained = results.arms.reindex(columns=["arm", "estimator", "epochs"]).rename(columns={"epochs": "epochs_trained"})
    return found.merge(trained, on="arm", how="left", validate="many_to_one")


def estimators(results: Results) -> pd.DataFrame:
    """Return a row per estimator and length of training, from 0: medians of what was measured, and errors.

    Medians, since after training single seeds have gates without any variance left, or hardly a gradient; intervals are
    exact ones of the median over seeds, which fewer than 6 do not have. Errors are missing before training.
    """
    runs = estimator_runs(results)
    summary = {row["arm"]: row for row in results.summary.to_dict("records")}
    rows: list[dict[str, Any]] = []
    for arm, group in runs.groupby("arm", sort=False):
        name, epochs = group[["estimator", "epochs_trained"]].iloc[0]
        after = {key: summary[arm][key] for key in ("mean", "ci_low", "ci_high", "test_density")}
        row = {
            "dataset": group["dataset"].iloc[0],
            "estimator": name,
            "family": group["family"].iloc[0],
            "unbiased": name in UNBIASED,
        }
        if not any(known["estimator"] == name for known in rows):
            rows.append({**row, "epochs": 0, "n": len(group), **_medians(group, "initial")})
        rows.append({**row, "epochs": int(epochs), "n": len(group), **_medians(group, "trained"), **after})
    return pd.DataFrame(rows)


def _medians(group: pd.DataFrame, when: str) -> dict[str, float]:
    found: dict[str, Any] = {}
    for key in MEASURED:
        values = group[f"{when}_{key}"].astype(float).tolist()
        low, high = median_interval(values)
        found |= {key: np.median(values), f"{key}_low": low, f"{key}_high": high}
    return {key: float(value) for key, value in found.items()}


def correlations(results: Results) -> pd.DataFrame:
    """Return Spearman's correlation, over estimators, of variance and bias with the mean test error."""
    table = estimators(results)
    if table.empty:
        return table
    initial = table[table["epochs"] == 0].set_index("estimator")
    last = table[table["epochs"] == table["epochs"].max()].set_index("estimator")
    rows = []
    for what, arms in (("all", last), ("unbiased", last[last["unbiased"]])):
        for when, probed in (("at initialisation", initial), ("after training", last)):
            for key in ("relative_variance", "relative_bias"):
                found = rank_correlation(probed.loc[arms.index, key].tolist(), arms["mean"].tolist())
                row = {"estimators": what, "n": len(arms), "of": key.replace("_", " "), "measured": when}
                rows.append({**row, **dict(zip(("correlation", "low", "high"), found, strict=True))})
    return pd.DataFrame(rows)


def _spreads(results: Results) -> pd.DataFrame:
    table = spread_by_source(results)
    if table.empty:
        return table
    shown = table[[*SETTING, "strategy", "family"]].assign(level=table["source"])
    columns = {"value": "std", "low": "std_low", "high": "std_high"}
    return shown.assign(**{name: in_units(table, table[column]) for name, column in columns.items()})


def _over_epochs(results: Results) -> pd.DataFrame:
    table = estimators(results)
    if table.empty:
        return table
    followed = table.groupby("estimator")["epochs"].transform("nunique") == table["epochs"].nunique()
    parts = [
        table[followed].assign(
            measure=key.replace("_", " "), value=table[key], low=table[f"{key}_low"], high=table[f"{key}_high"]
        )
        for key in ("relative_variance", "relative_bias")
    ]
    shown = pd.concat(parts, ignore_index=True).rename(columns={"estimator": "series"})
    return shown.assign(level=shown["epochs"])[["measure", "series", "family", "level", "value", "low", "high"]]


def _last_variance(results: Results) -> "pd.Series[float]":
    """The relative variance after the longest training, of the runs that had it."""
    runs = estimator_runs(results)
    longest = runs[runs["epochs_trained"] == runs["epochs_trained"].max()]
    values: pd.Series[float] = longest.set_index("run_id")["trained_relative_variance"].astype(float)
    return results.counted["run_id"].map(values)


def _without_length(results: Results) -> pd.DataFrame:
    levels = results.with_levels(results.counted[["arm"]]).reindex(columns=["estimator", "family"])
    return levels.rename(columns={"estimator": "series"})


def _two_digits(value: float) -> str:
    return f"{value:.2g}"


SPREAD_TABLE = Table(
    name="sources",
    title="Standard deviation over seeds by source of variation",
    numbers=spread_by_source,
    columns=(
        Column("strategy", "strategy"),
        Column("source", "what seeds vary"),
        Column("mean", "mean error", error_text, keys=("dataset", "mean")),
        *(
            Column(key, head, partial(difference_text, digits=1, signed=False), keys=("dataset", key))
            for key, head in (("std", "standard deviation"), ("std_low", "from"), ("std_high", "to"))
        ),
        Column("share", "share of variance", partial(percent, digits=0)),
        Column("test_density", "density", percent),
    ),
    caption=lambda results: (
        f"Standard deviation of test error, in {difference_units(results.runs)}, over seeds that vary one source, all "
        "others being "
        "those of seed 0, with its 95 % chi-square interval, and its variance as a share of that with all sources. "
        + sample_note(results)
    ),
)

ESTIMATOR_TABLE = Table(
    name="estimators",
    title="Variance and bias of the gradient",
    numbers=estimators,
    columns=(
        Column("estimator", "estimator"),
        Column("epochs", "epochs", str),
        Column("relative_variance", "relative variance", _two_digits),
        Column("relative_bias", "relative bias", _two_digits),
        Column("bias_by_chance", "by chance", _two_digits),
        Column("mean", "test error", error_text, keys=("dataset", "mean")),
        Column("ci_low", "from", error_text, keys=("dataset", "ci_low")),
        Column("ci_high", "to", error_text, keys=("dataset", "ci_high")),
        Column("test_density", "density", percent),
    ),
    caption=lambda results: (
        "Geometric means over seeds of the estimator's relative variance and bias against the enumeration of all "
        "gates, and the bias that the variance alone would show; test errors with 95 % intervals over "
        f"{over(results.summary)}. " + sample_note(results)
    ),
)

CORRELATION_TABLE = Table(
    name="correlations",
    title="Does a better estimator go with a lower error?",
    numbers=correlations,
    columns=(
        Column("estimators", "estimators"),
        Column("n", "n", str),
        Column("of", "of"),
        Column("measured", "measured"),
        Column("correlation", "Spearman", partial(number, digits=2)),
        Column("low", "from", partial(number, digits=2)),
        Column("high", "to", partial(number, digits=2)),
    ),
    caption=lambda results: (
        "Spearman's correlation with the mean test error after the longest training, over estimators, with its 95 % "
        "interval (Fisher's z, Bonett and Wright's standard error). " + sample_note(results)
    ),
)

BY_SOURCE = by_level(
    "std_by_source",
    "What seeds vary",
    lambda numbers: Labels("what seeds vary", difference_label(numbers, "standard deviation of test error")),
    _spreads,
    "Standard deviation of test error over seeds that vary one source of variation only, or all of them, with 95 % "
    "chi-square intervals. The split includes the draw of the test examples.",
    log=True,
)

OVER_EPOCHS = by_level(
    "estimator_over_epochs",
    "Variance and bias of the gradient in training",
    Labels("epochs of training", "relative to the exact gradient"),
    _over_epochs,
    "Relative variance and bias of gradient estimators against the enumeration of all gates: medians over seeds "
    "and exact 95 % intervals of the median. An estimator without bias shows what its variance leaves after 200 draws.",
    by=("measure",),
    lines=True,
    log=True,
)

AGAINST_VARIANCE = error_against(
    "error_against_variance",
    "Error against the variance of the gradient",
    "relative variance of the gradient after training",
    _last_variance,
    "Test error after the longest training against the relative variance of the gradient estimator then.",
    series=_without_length,
    log=True,
)

FIGURES = (BY_SOURCE, OVER_EPOCHS, AGAINST_VARIANCE, SEEDS)

TABLES = (SPREAD_TABLE, ESTIMATOR_TABLE, CORRELATION_TABLE)
