"""Where along growing data gates begin to have a lower error than dense networks of equal cost."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import pandas as pd
from scipy import stats

from studies.design import DENSE_FRONT
from studies.results import SETTING, Results
from studies.results.examples.covered import over
from studies.results.statistics.intervals import with_examples

CONFIDENCE = 0.95


class Crossing(NamedTuple):
    """Where a line of differences goes below 0 for good.

    Attributes:
        examples: how many there are where it does, read off a straight line over their logarithm; the smallest number
            if it is below 0 everywhere, NaN if it ends at 0 or above.
        loses_up_to: the largest number of examples with an interval above 0; NaN if there is none.
        pays_from: the smallest number from which on all intervals are below 0; NaN if the last one is not.
    """

    examples: float
    loses_up_to: float
    pays_from: float


def crossing(
    examples: Sequence[float], differences: Sequence[float], low: Sequence[float], high: Sequence[float]
) -> Crossing:
    """Return where differences to a reference go below 0.

    From 100 to 10,000 examples is a factor of 100, and 0 is in the middle of 1 and -1:

    >>> crossing([100, 10_000], [1.0, -1.0], [0.5, -1.5], [1.5, -0.5])
    Crossing(examples=1000.0, loses_up_to=100.0, pays_from=10000.0)

    Args:
        examples: how many there are, in increasing order.
        differences: with so many.
        low: the low ends of their intervals.
        high: the high ends.
    """
    loses = [size for size, end in zip(examples, low, strict=True) if end > 0]
    first = _for_good(high)
    pays_from = float(examples[first]) if first < len(examples) else math.nan
    return Crossing(_zero(examples, differences), float(max(loses, default=math.nan)), pays_from)


def _for_good(values: Sequence[float]) -> int:
    """Return the first place from which on all values are below 0; their number if the last one is not."""
    place = len(values)
    while place and values[place - 1] < 0:
        place -= 1
    return place


def _zero(examples: Sequence[float], differences: Sequence[float]) -> float:
    place = _for_good(differences)
    if place == len(differences):
        return math.nan
    if place == 0:
        return float(examples[0])
    above, below = differences[place - 1], differences[place]
    ends = [math.log(size) for size in examples[place - 1 : place + 1]]
    return round(math.exp(ends[0] + above / (above - below) * (ends[1] - ends[0])), 6)


def against_examples(results: Results) -> pd.DataFrame:
    """Return the contrasts with the dense front, with what the data are parts of and how many examples there were.

    ``data`` is what stands before the size in the name of a dataset, ``examples`` the number that networks were trained
    on. Rows of each go from few examples to many. ``low`` and ``high`` are the ends of the 95 % interval of each
    difference by itself, whether it is primary or not, so that all along a line are alike.
    """
    contrasts = results.contrasts[results.contrasts["reference"] == DENSE_FRONT]
    measured = results.measured("training_examples")
    if measured.empty or contrasts.empty:
        return contrasts.iloc[:0].assign(data="", examples=0.0, low=0.0, high=0.0)
    examples = measured.groupby([*SETTING, "arm"], as_index=False)["examples"].mean()
    found = contrasts.merge(examples, on=[*SETTING, "arm"], how="inner", validate="one_to_one")
    ends = [_by_itself(*row) for row in found[["difference", "std", "units", "example_std"]].to_numpy(float)]
    found = found.assign(
        data=found["dataset"].str.partition(":")[0], low=[low for low, _ in ends], high=[high for _, high in ends]
    )
    order = {name: place for place, name in enumerate(found["data"].unique())}
    return found.sort_values(
        ["data", "examples"], key=lambda column: column.map(order) if column.name == "data" else column, kind="stable"
    ).reset_index(drop=True)


def by_themselves(results: Results) -> str:
    """Say in a sentence what these intervals are."""
    return f"95 % t intervals over {over(results.contrasts)}, each by itself, that allow no verdict."


def _by_itself(mean: float, std: float, units: float, example_std: float) -> tuple[float, float]:
    """Return what :func:`studies.results.independent.exploratory_interval` does, of a mean and standard deviations."""
    if units < 2:
        return math.nan, math.nan
    reach = float(stats.t.isf((1 - CONFIDENCE) / 2, units - 1)) * std / math.sqrt(units)
    variance = example_std**2 if reach > 0 and not math.isnan(example_std) else 0.0
    return with_examples(mean, (mean - reach, mean + reach), variance, CONFIDENCE)


def crossings(results: Results) -> pd.DataFrame:
    """Return one row per arm and kind of data: :class:`Crossing`, and the least and the most examples."""
    rows = []
    for (data, arm), line in against_examples(results).groupby(["data", "arm"], sort=False):
        found = crossing(*(line[column].tolist() for column in ("examples", "difference", "low", "high")))
        ends = {"least": line["examples"].min(), "most": line["examples"].max()}
        rows.append({"data": data, "arm": arm, **found._asdict(), **ends})
    return pd.DataFrame(rows, columns=["data", "arm", *Crossing._fields, "least", "most"])
