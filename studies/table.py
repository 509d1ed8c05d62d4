"""A table of one study's own: its numbers, and how they are written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from studies.results import Results


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        key: of the numbers.
        head: what is printed above it.
        text: writes a cell; cells of a column without one are words.
    """

    key: str
    head: str
    text: Callable[[Any], str] | None = None


@dataclass(frozen=True)
class Table:
    """A named table.

    Attributes:
        name: of its files.
        title: a short heading for reports.
        numbers: every number that is shown, and more if that helps; exported as CSV; empty if there is nothing to show.
        columns: what is printed of it.
        caption: what is shown, with n, failures and the kind of interval.
    """

    name: str
    title: str
    numbers: Callable[[Results], pd.DataFrame]
    columns: Sequence[Column]
    caption: Callable[[Results], str]

    def cells(self, numbers: pd.DataFrame) -> list[list[str]]:
        """Write every cell of ``numbers``, row by row."""
        return [
            [str(row[column.key]) if column.text is None else column.text(row[column.key]) for column in self.columns]
            for row in numbers.to_dict("records")
        ]
