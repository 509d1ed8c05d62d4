"""The tables and records that figures and reports draw on."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from studies.protocol import Protocol

# ``strategy`` is the name of an arm: that of the strategy itself where a study runs it at no settings of its own.
RUN_COLUMNS = (
    "run_id",
    "study",
    "stage",
    "search",
    "point",
    "setting_id",
    "selected",
    "strategy",
    "base_strategy",
    "levels",
    "family",
    "gated",
    "dataset",
    "network",
    "target_density",
    "seed",
    "status",
    "reason",
    "epochs",
    "chosen_epoch",
    "validation_error",
    "validation_density",
    "validation_macs",
    "test_error",
    "test_error_fallback",
    "chance_error",
    "test_loss",
    "test_density",
    "test_density_fallback",
    "over_budget",
    "all_closed",
    "dead_blocks",
    "gate_entropy",
    "test_macs",
    "dense_macs",
    "train_macs",
    "train_seconds",
    "config",
    "design_hash",
)
SETTING = ("dataset", "network", "target_density")
GROUP = (*SETTING, "strategy")
FRONT = ("dataset", "network", "strategy")
WINNER_COLUMNS = (
    *GROUP,
    *("search", "point", "setting_id", "validation_error", "validation_density", "validation_macs"),
    *("eligible_points", "within_budget", "settings"),
)


@dataclass(frozen=True)
class Results:
    """Results of a study, complete; tables are in the design's order.

    Attributes:
        protocol: what was fixed before any run.
        records: one per run.
        runs: one row per run, ``RUN_COLUMNS``.
        winners: one row per search and ``GROUP``; empty without a search.
        summary: one row per ``GROUP``, see :func:`studies.aggregate.summarise`.
        contrasts: one row per contrast and setting, see :func:`studies.contrasts.contrast`.
        optimism: one row per ``GROUP``, see :func:`studies.optimism.measure_optimism`; empty without a search.
        hypervolumes: one row per dataset, network and strategy, see :func:`studies.hypervolumes.measure_hypervolumes`;
            empty where there are not two densities.
        overall: one row per contrast, see :func:`studies.overall.measure_overall`; empty where there is one setting.
    """

    protocol: Protocol
    records: tuple[dict[str, Any], ...]
    runs: pd.DataFrame
    winners: pd.DataFrame
    summary: pd.DataFrame
    contrasts: pd.DataFrame
    optimism: pd.DataFrame
    hypervolumes: pd.DataFrame
    overall: pd.DataFrame

    @property
    def counted(self) -> pd.DataFrame:
        """The runs that the summary is over: those of the selected configurations on the evaluation seeds."""
        counted = with_counted_errors(self.runs)
        return counted[counted["selected"]]


def with_counted_errors(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the runs with the columns ``failed``, ``error`` (test) and ``counted_validation_error``.

    Accuracy has a floor, that of guessing: a failed run counts for it, and so does a run that ended below it, so that
    no failure ever improves a score. A run of a search has no test error.

    >>> runs = pd.DataFrame({"stage": ["evaluate"] * 3, "status": ["ok", "nan", "ok"], "test_error": [0.1, None, 0.91],
    ...                      "validation_error": [0.1, None, 0.2], "chance_error": [0.9] * 3})
    >>> with_counted_errors(runs)["error"].tolist(), with_counted_errors(runs)["counted_validation_error"].tolist()
    ([0.1, 0.9, 0.9], [0.1, 0.9, 0.2])
    """
    failed = runs["status"] != "ok"
    floor = runs["chance_error"].astype(float)

    def counted(column: str) -> "pd.Series[float]":
        return runs[column].astype(float).clip(upper=floor).where(~failed, floor)

    error = counted("test_error").where(runs["stage"] == "evaluate")
    return runs.assign(failed=failed, error=error, counted_validation_error=counted("validation_error"))
