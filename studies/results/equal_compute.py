"""What arms would have between them at the multiply-adds of another run."""

from collections.abc import Sequence

import numpy as np
import pandas as pd


def beyond_curve(runs: pd.DataFrame, curve: Sequence[str]) -> "pd.Series[float]":
    """Return for each run its test error minus that of a curve through other arms at the same multiply-adds.

    The curve joins the runs of ``curve`` on the same dataset and seed by straight lines over the logarithm of
    multiply-adds. Missing for runs beyond its ends.

    Args:
        runs: with ``dataset``, ``arm``, ``seed``, ``test_macs`` and ``error``.
        curve: names of arms.

    Half way between 100 and 400 on a logarithmic axis is 200, and half way between .3 and .1 is .2:

    >>> runs = pd.DataFrame({"dataset": "digits", "arm": ["narrow", "wide", "other"], "seed": 0,
    ...                      "test_macs": [100.0, 400.0, 200.0], "error": [0.3, 0.1, 0.25]})
    >>> beyond_curve(runs, ["narrow", "wide"]).round(3).tolist()
    [0.0, 0.0, 0.05]
    """
    differences = pd.Series(np.nan, index=runs.index)
    for _, group in runs.groupby(["dataset", "seed"]):
        on_it = group[group["arm"].isin(curve) & group["test_macs"].notna()].sort_values("test_macs")
        if not on_it.empty:
            macs, errors = np.log(on_it["test_macs"].to_numpy(float)), on_it["error"].to_numpy(float)
            at = np.log(group["test_macs"].to_numpy(float))
            differences[group.index] = group["error"] - np.interp(at, macs, errors, left=np.nan, right=np.nan)
    return differences
