"""How good an arm's whole trade-off between compute and error is: the hypervolume over its densities."""

from typing import Any

import numpy as np
import pandas as pd

from studies.design.protocol import Search
from studies.formatting import number
from studies.results.independent import independent, independent_error_interval
from studies.results.results import FRONT
from studies.results.statistics.fronts import hypervolume
from studies.results.statistics.intervals import sample_std, t_interval
from studies.results.table import Column, Table

COLUMNS = (*FRONT, "n", "densities", "mean", "ci_low", "ci_high", "std")


def measure_hypervolumes(selected: pd.DataFrame, search: Search | None = None) -> pd.DataFrame:
    """Measure what share of the plane of multiply-adds and error each arm dominates, one row per ``FRONT``.

    Multiply-adds are over those of the dense network, errors over that of guessing, and the reference is (1, 1). Each
    seed has a hypervolume of its own, over its points at all densities; the mean over seeds comes with its 95 % t
    interval. Of a searched study mean and interval are over searches, and the interval is within 0 and 1. A failed run
    adds nothing.

    Args:
        selected: runs on evaluation seeds with the errors they count for.
        search: of the study, if there was one.

    Returns:
        ``COLUMNS``, for strategies that were run at more than one density.

    One seed with a quarter of the multiply-adds at half the error of guessing, and half of them at a quarter: the two
    rectangles of .75 x .5 and .5 x .75 share .5 x .5, so they cover .5.

    >>> runs = pd.DataFrame({"dataset": "digits", "network": "4x4", "arm": "top_k", "target_density": [0.25, 0.5],
    ...                      "seed": 0, "failed": False, "test_macs": [50.0, 100.0], "dense_macs": 200,
    ...                      "error": [0.4, 0.2], "chance_error": 0.8})
    >>> float(measure_hypervolumes(runs)["mean"].iloc[0])
    0.5
    """
    rows: list[dict[str, Any]] = []
    for key, group in selected.groupby(list(FRONT), sort=False):
        densities = group["target_density"].nunique()
        if densities < 2:
            continue
        of_seeds = {seed: hypervolume(normalised_points(of_seed)) for seed, of_seed in group.groupby("seed")}
        units = independent(pd.Series(of_seeds), search)
        volumes = units.tolist()
        low, high = t_interval(volumes) if search is None else independent_error_interval(units)
        rows.append(
            {
                **dict(zip(FRONT, key, strict=True)),
                "n": len(volumes),
                "densities": densities,
                "mean": float(np.mean(volumes)),
                "ci_low": low,
                "ci_high": high,
                "std": sample_std(volumes),
            }
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def normalised_points(runs: pd.DataFrame) -> np.ndarray:
    """Return ``[N, 2]``: multiply-adds over the dense network's, error over that of guessing; without failed runs.

    >>> runs = pd.DataFrame({"failed": [False, True], "test_macs": [50.0, 60.0], "dense_macs": [200, 200],
    ...                      "error": [0.09, 0.9], "chance_error": [0.9, 0.9]})
    >>> normalised_points(runs).round(3).tolist()
    [[0.25, 0.1]]
    """
    ok = runs[~runs["failed"]]
    shares = ok["test_macs"].astype(float) / ok["dense_macs"].astype(float)
    return np.column_stack([shares, ok["error"] / ok["chance_error"]]).astype(float).reshape(-1, 2)


def _span(low: float, high: float) -> str:
    return f"{number(low, 3)} to {number(high, 3)}"


HYPERVOLUMES = Table(
    name="hypervolumes",
    title="Whole trade-offs",
    numbers=lambda results: results.hypervolumes,
    columns=(
        Column("arm", "arm"),
        Column("dataset", "dataset", varying=True),
        Column("network", "network", varying=True),
        Column("densities", "densities", str),
        Column("n", "n", str),
        Column("mean", "hypervolume", lambda volume: number(volume, 3)),
        Column("ci_low", "95 % interval", _span, keys=("ci_low", "ci_high")),
    ),
    caption=lambda results: (
        "The share of the plane of MACs / dense and error / guessing that an arm's runs at all densities dominate "
        f"(hypervolume at (1, 1)), per seed: mean and 95 % t interval over {results.protocol.unit_name}. "
        "Larger is better."
    ),
)
