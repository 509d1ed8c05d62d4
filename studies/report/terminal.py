"""Tables on a terminal."""

from textwrap import fill

import pandas as pd
import rich.table
from rich.text import Text

from studies.results.table import Table

_STYLES = {"better": "bold"}
# Spaces between two columns.
_GAP = 2


def terminal_table(table: Table, numbers: pd.DataFrame, width: int) -> rich.table.Table:
    """Return a table as rich prints it.

    Where there is no room for it, heads take several lines, and then names are broken over lines, never numbers.

    Args:
        table: its columns.
        numbers: its rows.
        width: of the terminal, in characters.
    """
    columns = table.shown(numbers, "terminal")
    rows = table.cells(numbers, "terminal")
    shown = rich.table.Table(box=None, pad_edge=False, header_style="bold")
    widest = [max((len(row[index].text) for row in rows), default=0) for index in range(len(columns))]
    needed = sum(max(len(column.head), cells) + _GAP for column, cells in zip(columns, widest, strict=True)) - _GAP
    for column, cells in zip(columns, widest, strict=True):
        number = column.text is not None
        head = column.head if needed <= width else _folded(column.head, cells)
        shown.add_column(head, justify="right" if number else "left", no_wrap=number, overflow="fold")
    for row in rows:
        shown.add_row(*(Text(cell.text, "red" if cell.flagged else _STYLES.get(cell.verdict, "")) for cell in row))
    return shown


def _folded(head: str, width: int) -> str:
    """Return a head over as many lines as make it no wider than its column, but for words that are."""
    return fill(head, max(width, *map(len, head.split())), break_long_words=False, break_on_hyphens=False)
