"""What the ways of running the same network came to, run by run."""

from collections.abc import Mapping
from statistics import median
from typing import Any, Literal

import numpy as np
import pandas as pd

from studies.results import GROUP, Results

COLUMNS = (
    *GROUP,
    *("family", "seed", "way", "reason", "examples", "other_gates", "difference", "equal_predictions"),
    *("microseconds", "speedup", "graphs", "compile_seconds"),
)
TRAINING_COLUMNS = (*GROUP, "family", "seed", "way", "reason", "parameter_difference", "equal_predictions")


def ways(results: Results) -> pd.DataFrame:
    """Return a row of ``COLUMNS`` per run and way, from what the measurement ``backends`` found.

    ``examples`` is how many were compared; ``speedup`` the median ratio of the reference back end's time to the way's.
    """
    return pd.DataFrame(_rows(results, "ways"), columns=list(COLUMNS))


def trainings(results: Results) -> pd.DataFrame:
    """Return a row of ``TRAINING_COLUMNS`` per run and back end: how far from the reference training on it has led."""
    return pd.DataFrame(_rows(results, "training"), columns=list(TRAINING_COLUMNS))


def _rows(results: Results, part: Literal["ways", "training"]) -> list[dict[str, Any]]:
    batch = (
        results.measured("backends").reindex(columns=["run_id", "arm", "batch"]).rename(columns={"batch": "examples"})
    )
    runs = results.measured("backends", part).merge(batch, on=["run_id", "arm"])
    rows: list[dict[Any, Any]] = runs.to_dict("records")
    return [{**row, **_speed(row)} for row in rows]


def _speed(found: Mapping[str, Any]) -> dict[str, float]:
    if not isinstance(found.get("seconds"), list):
        return {}
    ratios = np.asarray(found["reference_seconds"]) / np.asarray(found["seconds"])
    return {"microseconds": 1e6 * median(found["seconds"]), "speedup": float(np.median(ratios))}
