"""What a dense network would have at the multiply-adds of another run: the reference at equal compute."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

_FRONT = ("dataset", "network", "seed")


def weights_on_front(front_macs: ArrayLike, macs: float) -> NDArray[np.float64]:
    """Return by how much each network of the front counts at so many multiply-adds: NaN beyond its ends.

    Args:
        front_macs: [networks], multiply-adds, increasing.
        macs: where the front is wanted.

    Half way between 100 and 400 on a logarithmic axis is 200:

    >>> weights_on_front([100.0, 400.0, 900.0], 200.0).round(3).tolist()
    [0.5, 0.5, 0.0]
    """
    at = np.log(np.asarray(front_macs, dtype=float))
    return np.array([np.interp(np.log(macs), at, own, left=np.nan, right=np.nan) for own in np.eye(len(at))])


def beyond_front(runs: pd.DataFrame, front: pd.DataFrame) -> "pd.Series[float]":
    """Return for each run its test error minus that of the dense front at the same multiply-adds.

    The front joins the dense networks of the same dataset, gated network and seed by straight lines over the logarithm
    of multiply-adds. Missing for runs beyond its ends, for those without multiply-adds, and where a dense network of
    the same seed has failed.

    Args:
        runs: with ``dataset``, ``network``, ``seed``, ``test_macs`` and ``error``.
        front: of dense networks, with the same columns and ``failed``; ``network`` is the gated one that they are for.

    Half way between 100 and 400 on a logarithmic axis is 200, and half way between .3 and .1 is .2:

    >>> common = {"dataset": "digits", "network": "16x16", "seed": 0}
    >>> front = pd.DataFrame({**common, "test_macs": [100.0, 400.0], "error": [0.3, 0.1], "failed": False})
    >>> runs = pd.DataFrame({**common, "test_macs": [200.0, 50.0], "error": [0.25, 0.4]})
    >>> beyond_front(runs, front).round(3).tolist()
    [0.05, nan]
    """
    differences = pd.Series(np.nan, index=runs.index, dtype=float)
    fronts = dict(iter(front.groupby(list(_FRONT)))) if len(front) else {}
    for key, group in runs.groupby(list(_FRONT)):
        dense = fronts.get(key)
        if dense is not None and not dense["failed"].any():
            dense = dense.sort_values("test_macs")
            macs, errors = np.log(dense["test_macs"].to_numpy(float)), dense["error"].to_numpy(float)
            at = np.log(group["test_macs"].to_numpy(float))
            differences[group.index] = group["error"] - np.interp(at, macs, errors, left=np.nan, right=np.nan)
    return differences
