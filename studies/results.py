"""The tables and records that figures and reports draw on."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

RUN_COLUMNS = (
    "run_id",
    "study",
    "stage",
    "strategy",
    "family",
    "dataset",
    "network",
    "target_density",
    "seed",
    "status",
    "reason",
    "epochs",
    "chosen_epoch",
    "validation_error",
    "test_error",
    "test_error_fallback",
    "chance_error",
    "test_loss",
    "test_density",
    "test_density_fallback",
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
GROUP = ("dataset", "network", "target_density", "strategy")


@dataclass(frozen=True)
class Results:
    """Results of a study, complete.

    Attributes:
        records: one per run, in the design's order.
        runs: one row per run, ``RUN_COLUMNS``.
        summary: one row per ``GROUP``, in the design's order.
    """

    records: tuple[dict[str, Any], ...]
    runs: pd.DataFrame
    summary: pd.DataFrame

    @property
    def counted(self) -> pd.DataFrame:
        """Evaluation runs with the error they count for, see :func:`with_counted_errors`."""
        return with_counted_errors(self.runs)


def with_counted_errors(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the evaluation runs with the columns ``failed`` and ``error``.

    Accuracy has a floor, that of guessing: a failed run counts for it, and so does a run that ended below it, so that
    no failure ever improves a score:

    >>> runs = pd.DataFrame({"stage": ["evaluate"] * 3, "status": ["ok", "nan", "ok"], "test_error": [0.1, None, 0.91],
    ...                      "chance_error": [0.9] * 3})
    >>> with_counted_errors(runs)["error"].tolist()
    [0.1, 0.9, 0.9]
    """
    evaluated = runs[runs["stage"] == "evaluate"]
    failed = evaluated["status"] != "ok"
    floor = evaluated["chance_error"]
    errors = evaluated["test_error"].astype(float).clip(upper=floor).where(~failed, floor)
    return evaluated.assign(failed=failed, error=errors)
