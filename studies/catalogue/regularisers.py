"""What the paper's penalties do: to error and time, to early learning, and to the realised density (paper, figure 5).

With Adam and this suite's own defaults, not the paper's plain SGD: at 5,000 digits that is so slow that early learning
would be all there is to see (:mod:`studies.catalogue.paper_mnist`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from studies.arm import Arm
from studies.figures.against_level import against_level, at_levels
from studies.figures.early_learning import early_learning
from studies.figures.failures import FAILURES
from studies.figures.realised_density import realised_density
from studies.formatting import number, percent
from studies.results import Results
from studies.statistics import t_interval
from studies.study import Study, Sweep
from studies.table import Column, Table

# What all arms have but for the one thing that they vary; this suite's defaults.
CENTRE: Mapping[str, float] = {"lambda_s": 1.0, "lambda_v": 0.1, "density": 1 / 8}
EARLY_EPOCH = 3


def _arms(values: Mapping[str, Sequence[float]]) -> tuple[Arm, ...]:
    """One arm with everything at its centre, which stands for all of it, and one for each other value."""

    def arm(name: str, levels: Mapping[str, float]) -> Arm:
        settings: dict[str, Any] = {**CENTRE, **levels}
        density = settings.pop("density")
        return Arm(name, "reinforce", strategy_settings=settings, density=density, levels=levels)

    others = (
        arm(f"{level} {value:.4g}", {level: value})
        for level, tried in values.items()
        for value in tried
        if value != CENTRE[level]
    )
    return (arm("centre", CENTRE), *others)


DECADES = {
    "lambda_s": (0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0),
    "lambda_v": (0.0, 0.03, 0.1, 0.3, 1.0, 3.0),
    "density": (1 / 16, 1 / 8, 1 / 4, 3 / 8, 1 / 2),
}
FINER = {
    "lambda_s": (0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0),
    "lambda_v": (0.0, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 3.0, 10.0),
    "density": (1 / 16, 3 / 32, 1 / 8, 3 / 16, 1 / 4, 3 / 8, 1 / 2, 3 / 4),
}
# Density is what is measured here, so none is too high.
SWEEP = Sweep(seeds=5, arms=_arms(DECADES), training={"density_tolerance": 1000}, measurements=("pass_time",))


def _levels(results: Results) -> pd.DataFrame:
    """A row per level and value: means over seeds, with the interval of the error's."""
    rows = []
    early = {record["run_id"]: _early(record) for record in results.records}
    for level in CENTRE:
        runs = at_levels(results, level)
        for value, group in runs.groupby("level"):
            low, high = t_interval(group["error"].tolist())
            columns = (
                "error",
                "test_density",
                "all_closed",
                "dead_blocks",
                "gate_entropy",
                "seconds",
                "masked_seconds",
            )
            rows.append(
                {
                    "level": level,
                    "value": value,
                    "n": len(group),
                    "failures": int(group["failed"].sum()),
                    **{column: group[column].astype(float).mean() for column in columns},
                    "ci_low": low,
                    "ci_high": high,
                    "early_error": group["run_id"].map(early).mean(),
                }
            )
    return pd.DataFrame(rows)


def _early(record: Mapping[str, Any]) -> float:
    """Validation error after the epoch that counts as early, or the last one before it."""
    history = record.get("history", ())[:EARLY_EPOCH]
    return float(history[-1]["validation_error"]) if history else float("nan")


def _caption(results: Results) -> str:
    n = results.protocol.seeds
    return (
        f"reinforce at values of one setting each, the others at lambda_s 1, lambda_v 0.1 and density 1/8: mean test "
        f"error of {n} seeds with its 95 % t interval; realised density, share of examples with a layer fully closed, "
        f"and milliseconds of one pass over the test split on one core; validation error after {EARLY_EPOCH} epochs."
    )


LEVELS = Table(
    name="levels",
    title="Penalties and targets",
    numbers=_levels,
    columns=(
        Column("level", "setting"),
        Column("value", "value", lambda value: f"{value:.4g}"),
        Column("error", "error", percent),
        Column("ci_low", "from", percent),
        Column("ci_high", "to", percent),
        Column("early_error", "early error", percent),
        Column("test_density", "density", percent),
        Column("all_closed", "fully closed", percent),
        Column("seconds", "ms", lambda value: number(1000 * value, 2)),
        Column("failures", "failed", str),
    ),
    caption=_caption,
)

STUDY = Study(
    question="What do the paper's penalties buy: less time, faster early learning, the density that was asked for?",
    source="paper, section 4 and figure 5",
    scales={
        "quick": replace(SWEEP, seeds=2, training={**SWEEP.training, "epochs": 6}),
        "default": SWEEP,
        "paper": replace(SWEEP, seeds=20, arms=_arms(FINER), training={**SWEEP.training, "epochs": 50}),
    },
    figures=(
        against_level(
            "lambda_s",
            r"$\lambda_s$",
            ("error", "seconds"),
            name="sparsity_penalty",
            title="Error and time against the sparsity penalty",
            says="Test error and the milliseconds of one pass over the test split on one core, with the sparse "
            "kernels, against the weight of the penalty on density (paper, figure 5a).",
        ),
        early_learning("lambda_v", r"$\lambda_v$", epochs=10),
        against_level(
            "lambda_v",
            r"$\lambda_v$",
            ("error", "test_density", "all_closed"),
            name="variance_penalty",
            title="Error and density against the variance penalty",
            says="Test error, realised density, and the share of test examples with a layer fully closed, against the "
            "weight of the reward for input dependence.",
        ),
        realised_density("density"),
        FAILURES,
    ),
    tables=(LEVELS,),
)
