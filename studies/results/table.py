"""A table, declared once: its numbers, and how they are written wherever it is shown."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_args

import pandas as pd

from studies.formatting import share
from studies.results.results import Results

Output = Literal["terminal", "paper", "page"]
OUTPUTS: tuple[Output, ...] = get_args(Output)


class Cell(NamedTuple):
    """What stands in a cell.

    Attributes:
        text: as it is read.
        value: that it is sorted by.
        flagged: whether it says that something went wrong.
        verdict: that its emphasis follows; empty for none.
    """

    text: str
    value: Any
    flagged: bool = False
    verdict: str = ""


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        key: of the numbers, which rows are sorted by.
        head: what is printed above it.
        text: writes a cell from a row's values of ``keys``; cells of a column without one are words.
        keys: of the numbers; only ``key`` if there are none.
        outputs: where it is shown.
        varying: whether it is left out where all rows have the same value.
        flag: says of which values of ``key`` it should be seen that something went wrong.
        verdict: the key of verdicts that the emphasis follows.
        note: what a reader must know of it, a sentence that follows the caption wherever the column is shown.
    """

    key: str
    head: str
    text: Callable[..., str] | None = None
    keys: tuple[str, ...] = ()
    outputs: tuple[Output, ...] = OUTPUTS
    varying: bool = False
    flag: Callable[[Any], bool] | None = None
    verdict: str | None = None
    note: str = ""

    def cell(self, row: dict[Any, Any]) -> Cell:
        """Write the cell of a row."""
        value = row[self.key]
        if self.text is not None:
            text = self.text(*(row[key] for key in self.keys or (self.key,)))
        else:
            text = "–" if pd.isna(value) else str(value)
        flagged = self.flag is not None and bool(self.flag(value))
        return Cell(text, value, flagged, "" if self.verdict is None else row[self.verdict])


@dataclass(frozen=True)
class Table:
    """A named table.

    Attributes:
        name: of its files.
        title: a short heading for reports.
        numbers: every number that is shown, and more if that helps; exported as CSV; empty if there is nothing to show.
        columns: what is printed of it.
        caption: what is shown, with n, failures and the kind of interval.
        outputs: where it is shown.
        folded: whether a page shows it only on demand.
    """

    name: str
    title: str
    numbers: Callable[[Results], pd.DataFrame]
    columns: Sequence[Column]
    caption: Callable[[Results], str]
    outputs: tuple[Output, ...] = OUTPUTS
    folded: bool = False

    def shown(self, numbers: pd.DataFrame, output: Output) -> list[Column]:
        """Return the columns to show of ``numbers``: none that is missing throughout, nor what does not vary."""
        return [
            column
            for column in self.columns
            if output in column.outputs
            and not numbers[column.key].isna().all()
            and not (column.varying and numbers[column.key].nunique() <= 1)
        ]

    def full_caption(self, results: Results, numbers: pd.DataFrame, output: Output) -> str:
        """Return the caption with the notes of the columns to show."""
        notes = (column.note for column in self.shown(numbers, output) if column.note)
        return " ".join((self.caption(results), *notes))

    def cells(self, numbers: pd.DataFrame, output: Output) -> list[list[Cell]]:
        """Write every cell of the columns to show, row by row."""
        columns = self.shown(numbers, output)
        return [[column.cell(row) for column in columns] for row in numbers.to_dict("records")]


def setting_columns() -> tuple[Column, ...]:
    """Return the columns that say in which setting a row is, each shown only if rows differ in it."""
    return (
        Column("dataset", "dataset", varying=True),
        Column("network", "network", varying=True),
        Column("target_density", "τ", share, varying=True),
    )
