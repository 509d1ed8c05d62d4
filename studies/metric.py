"""How errors are written: as percentages where they are shares of wrong predictions, else as bits.

Tables and figures hold errors as records do. What they show follows the dataset of each row.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal
from typing import Any

import pandas as pd

from core.data import metric_of
from studies.formatting import number


@dataclass(frozen=True)
class Unit:
    """The unit of errors.

    Attributes:
        name: behind a number, and in labels of axes.
        difference: of differences, in labels and sentences.
        factor: what an error is multiplied by to be in it.
        digits: decimals of an error, and of a difference.
        delta_factor: what a study's delta, the smallest share of the reference's error that matters, is multiplied by.
    """

    name: str
    difference: str
    factor: float
    digits: int
    delta_factor: float


PERCENT = Unit("%", "points", 100.0, 1, 1.0)
# Bits move less than shares of wrong predictions: a dense network of the gates' cost has 7 % more of them than the wide
# one (study language), and 18 % more errors on mnist_5k (study sanity). Six seeds tell 1 % of the bits apart.
BITS = Unit("bits", "bits", 1.0, 3, 0.2)


def unit_of(dataset: str) -> Unit:
    """Return the unit of errors on a dataset.

    >>> unit_of("digits").name, unit_of("kjv:20000").name
    ('%', 'bits')
    """
    return BITS if metric_of(dataset) == "bits" else PERCENT


def error_text(dataset: str, value: float | None, digits: int | None = None) -> str:
    """Write an error; a dash where there is none.

    >>> error_text("digits", 0.0712), error_text("kjv", 2.1372), error_text("kjv", None)
    ('7.1 %', '2.137 bits', '–')
    """
    unit = unit_of(dataset)
    text = number(None if value is None else unit.factor * value, unit.digits if digits is None else digits)
    return text if text == "–" else f"{text} {unit.name}"


def error_interval_text(dataset: str, low: float, high: float) -> str:
    """Write the two ends of an interval of errors; a dash where it does not exist.

    >>> error_interval_text("digits", 0.0651, 0.0773), error_interval_text("kjv", 2.1, 2.2)
    ('6.5 – 7.7 %', '2.100 – 2.200 bits')
    """
    unit = unit_of(dataset)
    ends = [number(unit.factor * end, unit.digits) for end in (low, high)]
    return "–" if "–" in ends else f"{ends[0]} – {ends[1]} {unit.name}"


def difference_text(dataset: str, value: float | None, digits: int = 0, *, signed: bool = True) -> str:
    """Write a difference of errors: a plain number in points, or bits; a dash where there is none.

    >>> difference_text("digits", -0.0123), difference_text("kjv", -0.131)
    ('−1.2', '−0.131 bits')
    >>> difference_text("digits", 0.005, 1, signed=False)
    '0.50'

    Args:
        dataset: whose errors they are.
        value: the difference.
        digits: more decimals than are usual.
        signed: whether it has a sign.
    """
    unit = unit_of(dataset)
    if value is None or pd.isna(value):
        return "–"
    text = f"{unit.factor * value:{'+' if signed else ''}.{unit.digits + digits}f}".replace("-", "−")
    return text if unit is PERCENT else f"{text} {unit.difference}"


def size_text(dataset: str, value: float, digits: int = 0) -> str:
    """Write the size of a difference, for a sentence.

    >>> size_text("digits", -0.0123), size_text("kjv", 0.131)
    ('1.2 points', '0.131 bits')
    """
    text = difference_text(dataset, abs(value), digits, signed=False)
    return text if unit_of(dataset) is BITS else f"{text} {PERCENT.difference}"


def bound_text(dataset: str, value: float) -> str:
    """Write what a difference is at least, for a sentence: rounded towards 0, but not to 0.

    >>> bound_text("digits", -0.0129), bound_text("digits", 0.00054), bound_text("kjv", 0.1316)
    ('1.2 points', '0.05 points', '0.131 bits')
    """
    unit = unit_of(dataset)
    # Digits after these are those of a binary fraction.
    size = Decimal(f"{abs(unit.factor * value):.10g}")
    rounded = size.quantize(Decimal(1).scaleb(min(-unit.digits, size.adjusted())), ROUND_FLOOR)
    return f"{rounded:f} {unit.difference}"


def difference_interval_text(dataset: str, low: float, high: float) -> str:
    """Write the two ends of an interval of differences.

    >>> difference_interval_text("digits", -0.012, 0.005), difference_interval_text("kjv", -0.2, -0.1)
    ('−1.2 to +0.5', '−0.200 to −0.100 bits')
    """
    return f"{difference_text(dataset, low).removesuffix(' bits')} to {difference_text(dataset, high)}"


def in_units(rows: Any, values: Any) -> Any:
    """Return errors, or differences, in the unit that they are shown in: of many rows with ``dataset``, or of one.

    >>> rows = pd.DataFrame({"dataset": ["digits", "kjv"], "error": [0.25, 2.0]})
    >>> in_units(rows, rows["error"]).tolist(), in_units(rows.iloc[1], 2.0)
    ([25.0, 2.0], 2.0)
    """
    datasets = rows["dataset"]
    if isinstance(datasets, str):
        return unit_of(datasets).factor * values
    return values * datasets.map({name: unit_of(name).factor for name in datasets.unique()}).astype(float)


def error_label(rows: pd.DataFrame, text: str = "test error") -> str:
    """Return the label of an axis of errors.

    >>> error_label(pd.DataFrame({"dataset": ["digits"]})), error_label(pd.DataFrame({"dataset": ["digits", "kjv"]}))
    ('test error (%)', 'test error (% or bits)')
    """
    return f"{text} ({_either(unit.name for unit in _units(rows))})"


def difference_label(rows: pd.DataFrame, text: str) -> str:
    """Return the label of an axis of differences of errors.

    >>> difference_label(pd.DataFrame({"dataset": ["kjv"]}), "gain")
    'gain (bits)'
    """
    return f"{text} ({difference_units(rows)})"


def difference_units(rows: pd.DataFrame) -> str:
    """Return the unit of differences, in words.

    >>> difference_units(pd.DataFrame({"dataset": ["kjv", "digits"]}))
    'points or bits'
    """
    return _either(unit.difference for unit in _units(rows))


def _units(rows: pd.DataFrame) -> list[Unit]:
    there = {unit_of(name) for name in rows["dataset"].unique()}
    return [unit for unit in (PERCENT, BITS) if unit in there] or [PERCENT]


def _either(names: Iterable[str]) -> str:
    return " or ".join(names)
