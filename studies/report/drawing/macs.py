"""Where to plot a run of unknown cost."""

import pandas as pd

from studies.results import GROUP


def macs_or_typical(measured: "pd.Series[float]", runs: pd.DataFrame) -> "pd.Series[float]":
    """Return multiply-adds, those of a run that has none being the median of its group's, or else the dense network's.

    >>> runs = pd.DataFrame({**dict.fromkeys(GROUP, ["same"] * 3), "dense_macs": [90] * 3})
    >>> macs_or_typical(pd.Series([10.0, None, 30.0]), runs).tolist()
    [10.0, 20.0, 30.0]
    """
    typical = measured.groupby([runs[column] for column in GROUP]).transform("median")
    return measured.fillna(typical).fillna(runs["dense_macs"].astype(float))
