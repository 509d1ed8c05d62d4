"""Where to plot a run of unknown cost."""

from collections.abc import Sequence

import pandas as pd

from studies.results import GROUP

# Of costs that would be drawn over each other, and how far they are drawn from each other.
NEAR, APART = 1.03, 1.035


def macs_or_typical(measured: "pd.Series[float]", runs: pd.DataFrame) -> "pd.Series[float]":
    """Return multiply-adds, those of a run that has none being the median of its group's, or else the dense network's.

    >>> runs = pd.DataFrame({**dict.fromkeys(GROUP, ["same"] * 3), "dense_macs": [90] * 3})
    >>> macs_or_typical(pd.Series([10.0, None, 30.0]), runs).tolist()
    [10.0, 20.0, 30.0]
    """
    typical = measured.groupby([runs[column] for column in GROUP]).transform("median")
    return measured.fillna(typical).fillna(runs["dense_macs"].astype(float))


def side_by_side(macs: Sequence[float]) -> list[float]:
    """Return a factor for each cost by which it is drawn aside, so that equal ones are told apart.

    Costs within ``NEAR`` of the next one are moved ``APART`` from each other, about their middle.

    >>> side_by_side([200.0, 100.0, 101.0]) == [1.0, APART**-0.5, APART**0.5]
    True
    """
    order = sorted(range(len(macs)), key=lambda place: macs[place])
    factors = [1.0] * len(macs)
    together: list[int] = []
    for place, after in zip(order, [*order[1:], None], strict=True):
        together.append(place)
        if after is None or macs[after] > NEAR * macs[place]:
            for rank, member in enumerate(together):
                factors[member] = APART ** (rank - (len(together) - 1) / 2)
            together = []
    return factors
