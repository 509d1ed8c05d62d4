"""Error, time, early learning and density by the values of the penalties."""

import pandas as pd

from studies.catalogue.regularisers import CENTRE
from studies.catalogue.regularisers.against_level import against_level, at_levels
from studies.catalogue.regularisers.early_learning import early_learning
from studies.catalogue.regularisers.realised_density import realised_density
from studies.formatting import number, percent
from studies.metric import error_text
from studies.report.figures.failures import FAILURES
from studies.results import Results
from studies.results.statistics.intervals import t_interval
from studies.results.table import Column, Table

EARLY_EPOCH = 3


def _levels(results: Results) -> pd.DataFrame:
    """A row per level and value: means over seeds, with the interval of the error's."""
    rows = []
    first = results.epochs[results.epochs["epoch"] <= EARLY_EPOCH]
    # The last epoch before it of a run that broke down earlier.
    early = first.groupby("run_id")["validation_error"].last()
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
                    "dataset": group["dataset"].iloc[0],
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


def _caption(results: Results) -> str:
    n = results.protocol.seeds
    return (
        f"reinforce at values of one setting each, the others at lambda_s 1, lambda_v 0.1 and density 1/8: mean test "
        f"error of {n} seeds with its 95 % t interval over seeds alone; realised density, share of examples with a "
        "layer fully closed, "
        f"and milliseconds of one pass over the test split on one core; validation error after {EARLY_EPOCH} epochs."
    )


LEVELS = Table(
    name="levels",
    title="Penalties and targets",
    numbers=_levels,
    columns=(
        Column("level", "setting"),
        Column("value", "value", lambda value: f"{value:.4g}"),
        Column("error", "error", error_text, keys=("dataset", "error")),
        Column("ci_low", "from", error_text, keys=("dataset", "ci_low")),
        Column("ci_high", "to", error_text, keys=("dataset", "ci_high")),
        Column("early_error", "early error", error_text, keys=("dataset", "early_error")),
        Column("test_density", "density", percent),
        Column("all_closed", "fully closed", percent),
        Column("seconds", "ms", lambda value: number(1000 * value, 2)),
        Column("failures", "failed", str),
    ),
    caption=_caption,
)

FIGURES = (
    against_level(
        "lambda_s",
        r"$\lambda_s$",
        ("error", "seconds"),
        name="sparsity_penalty",
        title="Error and time against the sparsity penalty",
        opening="Test error and the milliseconds of one pass over the test split on one core, with the sparse "
        "kernels, against the weight of the penalty on density (paper, figure 5a).",
    ),
    early_learning("lambda_v", r"$\lambda_v$", epochs=10),
    against_level(
        "lambda_v",
        r"$\lambda_v$",
        ("error", "test_density", "all_closed"),
        name="variance_penalty",
        title="Error and density against the variance penalty",
        opening="Test error, realised density, and the share of test examples with a layer fully closed, against the "
        "weight of the reward for input dependence.",
    ),
    realised_density("density"),
    FAILURES,
)

TABLES = (LEVELS,)
