"""What seeds vary, how good gradient estimators are, and whether a better estimator buys a lower error."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, get_args

import numpy as np
import pandas as pd

from core.seeding import Varied
from studies.analysis.levels import with_levels
from studies.analysis.spread import rank_correlation, std_interval
from studies.arm import Arm, Level
from studies.figures.by_level import by_level
from studies.figures.error_against import error_against
from studies.figures.notes import sample_note
from studies.figures.panels import Labels
from studies.figures.seeds import SEEDS
from studies.formatting import number, percent, points
from studies.results import SETTING, Results
from studies.statistics import sample_std, t_interval
from studies.study import Study, Sweep
from studies.table import Column, Table

SOURCES: tuple[Varied, ...] = get_args(Varied)
ALL = "all"
# Enumerating all gates takes two to the number of blocks passes.
SMALL = "8x16"
# Of an estimator, see studies.measurements.estimator.
MEASURED = ("relative_variance", "relative_bias", "bias_by_chance", "gradient")


@dataclass(frozen=True)
class Estimator:
    """A gradient estimator: a strategy with Bernoulli gates under settings of its own."""

    name: str
    strategy: str
    settings: dict[str, Any] = field(default_factory=dict)
    unbiased: bool = True
    followed: bool = False

    def arm(self, epochs: int) -> Arm:
        """Return the arm that trains for so long; a shorter one is the beginning of a longer one."""
        training = {"epochs": epochs, "schedule": "constant", "selection": "last"}
        levels: dict[str, Level] = {"estimator": self.name, "epochs": epochs}
        return Arm(self.named(epochs), self.strategy, training, self.settings, network=SMALL, levels=levels)

    def named(self, epochs: int) -> str:
        return f"{self.name}, {epochs} epoch{'s' if epochs > 1 else ''}"


def _reinforce(baseline: str, samples: int = 0, *, followed: bool = False) -> Estimator:
    settings = {"baseline": baseline, **({"samples": samples} if samples else {})}
    name = f"reinforce, {f'{samples} samples' if samples else baseline}"
    return Estimator(name, "reinforce", settings, baseline != "batch_minimum", followed)


def _gumbel(mode: str) -> Estimator:
    # A temperature that fell with progress would not be the same in runs of different lengths.
    settings = {"mode": mode, "first_temperature": 0.5, "last_temperature": 0.5}
    return Estimator(f"gumbel_softmax, {mode}", "gumbel_softmax", settings, unbiased=False, followed=mode == "hard")


NOISIEST = _reinforce("none", followed=True)
LEAST_NOISY = Estimator("local_expectation", "local_expectation", followed=True)
ESTIMATORS = (
    NOISIEST,
    _reinforce("batch_minimum"),
    _reinforce("batch_mean", followed=True),
    _reinforce("learned"),
    _reinforce("samples", 2, followed=True),
    _reinforce("samples", 4),
    Estimator("disarm", "disarm"),
    LEAST_NOISY,
    Estimator("straight_through", "straight_through", unbiased=False, followed=True),
    _gumbel("hard"),
    _gumbel("soft"),
)
UNBIASED = tuple(estimator.name for estimator in ESTIMATORS if estimator.unbiased)


def _varied(strategy: str, source: Varied | None) -> Arm:
    words = f"only {source}" if source else "all sources"
    return Arm(f"{strategy}, {words}", strategy, varied=source, levels={"source": source or ALL})


def sweep(seeds: int, epochs: int, lengths: Sequence[int], *, all_followed: bool = False) -> Sweep:
    """Return both parts of the study.

    Args:
        seeds: of each arm.
        epochs: of the arms whose seeds vary one source.
        lengths: epochs of the estimators' runs; those that are not followed are run for the last of them.
        all_followed: whether every estimator is followed.
    """
    sources = tuple(
        _varied(strategy, source)
        for strategy in ("reinforce", "straight_through", "top_k", "small_dense")
        for source in (None, *SOURCES)
        # A dense network has no gates to draw.
        if (strategy, source) != ("small_dense", "gates")
    )
    estimators = tuple(
        estimator.arm(length)
        for estimator in ESTIMATORS
        for length in lengths
        if estimator.followed or all_followed or length == lengths[-1]
    )
    return Sweep(
        seeds=seeds,
        arms=(*sources, *estimators),
        # Not about keeping to a budget: the realised density stands beside every error.
        training={"epochs": epochs, "density_tolerance": 10.0},
        references=(),
        # Of those without bias, the noisiest against the least noisy.
        pairs=tuple((NOISIEST.named(length), LEAST_NOISY.named(length)) for length in lengths),
        measurements=("estimator",),
    )


def spread_by_source(results: Results) -> pd.DataFrame:
    """Return a row per strategy and source: the standard deviation of test error, its interval, and its share.

    The share is that of the source's variance in the variance with all sources; shares need not add up to 1.
    """
    runs = results.counted
    levels = with_levels(runs[["strategy"]], results.runs).reindex(columns=["source"])
    runs = runs.assign(source=levels["source"].to_numpy())
    rows: list[dict[str, Any]] = []
    for key, group in runs[runs["source"].notna()].groupby([*SETTING, "base_strategy", "source"], sort=False):
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


def estimator_runs(results: Results) -> pd.DataFrame:
    """Return a row per run whose estimator was measured, with what was found before training and after it."""
    levels = with_levels(results.runs[["strategy"]], results.runs).reindex(columns=["estimator", "epochs"])
    runs = results.runs.assign(estimator=levels["estimator"], epochs_trained=levels["epochs"])
    found = [record.get("measured", {}).get("estimator", {}) for record in results.records]
    columns = {
        f"{when}_{key}": [each[when][key] if each else np.nan for each in found]
        for when in ("initial", "trained")
        for key in MEASURED
    }
    table = runs.assign(**columns)
    return table[table["initial_relative_variance"].notna()]


def estimators(results: Results) -> pd.DataFrame:
    """Return a row per estimator and length of training, from 0: geometric means of what was measured, and errors.

    Intervals are t intervals of the mean logarithm over seeds. Errors are missing before training.
    """
    runs = estimator_runs(results)
    summary = {row["strategy"]: row for row in results.summary.to_dict("records")}
    rows: list[dict[str, Any]] = []
    for arm, group in runs.groupby("strategy", sort=False):
        name, epochs = group[["estimator", "epochs_trained"]].iloc[0]
        after = {key: summary[arm][key] for key in ("mean", "ci_low", "ci_high", "test_density")}
        row = {"estimator": name, "family": group["family"].iloc[0], "unbiased": name in UNBIASED}
        if not any(known["estimator"] == name for known in rows):
            rows.append({**row, "epochs": 0, "n": len(group), **_averaged(group, "initial")})
        rows.append({**row, "epochs": int(epochs), "n": len(group), **_averaged(group, "trained"), **after})
    return pd.DataFrame(rows)


def _averaged(group: pd.DataFrame, when: str) -> dict[str, float]:
    found: dict[str, Any] = {}
    for key in MEASURED:
        logarithms = np.log(group[f"{when}_{key}"].astype(float)).tolist()
        low, high = t_interval(logarithms)
        found |= {key: np.exp(np.mean(logarithms)), f"{key}_low": np.exp(low), f"{key}_high": np.exp(high)}
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
    return shown.assign(**{name: 100 * table[column] for name, column in columns.items()})


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
    shown = pd.concat(parts, ignore_index=True).rename(columns={"estimator": "strategy"})
    return shown.assign(level=shown["epochs"])[["measure", "strategy", "family", "level", "value", "low", "high"]]


def _last_variance(results: Results) -> "pd.Series[float]":
    """The relative variance after the longest training, of the runs that had it."""
    runs = estimator_runs(results)
    longest = runs[runs["epochs_trained"] == runs["epochs_trained"].max()]
    values: pd.Series[float] = longest["trained_relative_variance"].astype(float)
    return values.reindex(results.counted.index)


def _without_length(runs: pd.DataFrame) -> pd.DataFrame:
    levels = with_levels(runs[["strategy"]], runs).reindex(columns=["estimator"])
    return pd.DataFrame({"strategy": levels["estimator"], "family": runs["family"].to_numpy()})


def _four(value: float) -> str:
    return f"{value:.2g}"


SPREAD_TABLE = Table(
    name="sources",
    title="Standard deviation over seeds by source of variation",
    numbers=spread_by_source,
    columns=(
        Column("strategy", "strategy"),
        Column("source", "what seeds vary"),
        Column("mean", "mean error", percent),
        Column("std", "standard deviation (points)", partial(points, digits=2, signed=False)),
        Column("std_low", "from", partial(points, digits=2, signed=False)),
        Column("std_high", "to", partial(points, digits=2, signed=False)),
        Column("share", "share of variance", partial(percent, digits=0)),
        Column("test_density", "density", percent),
    ),
    caption=lambda results: (
        "Standard deviation of test error over seeds that vary one source, all others being those of seed 0, with its "
        "95 % chi-square interval, and its variance as a share of that with all sources. " + sample_note(results)
    ),
)

ESTIMATOR_TABLE = Table(
    name="estimators",
    title="Variance and bias of the gradient",
    numbers=estimators,
    columns=(
        Column("estimator", "estimator"),
        Column("epochs", "epochs", str),
        Column("relative_variance", "relative variance", _four),
        Column("relative_bias", "relative bias", _four),
        Column("bias_by_chance", "by chance", _four),
        Column("mean", "test error", percent),
        Column("ci_low", "from", percent),
        Column("ci_high", "to", percent),
        Column("test_density", "density", percent),
    ),
    caption=lambda results: (
        "Geometric means over seeds of the estimator's relative variance and bias against the enumeration of all "
        "gates, and the bias that the variance alone would show; test errors with 95 % t intervals. "
        + sample_note(results)
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
    Labels("what seeds vary", "standard deviation of test error (points)"),
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
    "Relative variance and bias of gradient estimators against the enumeration of all gates: geometric means over "
    "seeds and 95 % t intervals of the mean logarithm. An estimator without bias shows what its variance leaves after "
    "200 draws.",
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

STUDY = Study(
    question="How far do seeds lie apart, how noisy are gradient estimators, and does less noise buy a lower error?",
    source="retrospective, R8",
    figures=(BY_SOURCE, OVER_EPOCHS, AGAINST_VARIANCE, SEEDS),
    tables=(SPREAD_TABLE, ESTIMATOR_TABLE, CORRELATION_TABLE),
    scales={
        "quick": sweep(2, epochs=2, lengths=(1, 4)),
        "default": sweep(8, epochs=10, lengths=(1, 4, 16)),
        "paper": sweep(20, epochs=25, lengths=(1, 4, 16, 64), all_followed=True),
    },
)
