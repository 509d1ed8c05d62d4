"""Tables on a terminal."""

import pandas as pd
import rich.table
from rich.text import Text

from studies.results.table import Table

_STYLES = {"better": "bold"}


def terminal_table(table: Table, numbers: pd.DataFrame) -> rich.table.Table:
    """Return a table as rich prints it: where there is no room for it, names are broken over lines, never numbers."""
    shown = rich.table.Table(box=None, pad_edge=False, header_style="bold")
    for column in table.shown(numbers, "terminal"):
        number = column.text is not None
        shown.add_column(column.head, justify="right" if number else "left", no_wrap=number, overflow="fold")
    for row in table.cells(numbers, "terminal"):
        shown.add_row(*(Text(cell.text, "red" if cell.flagged else _STYLES.get(cell.verdict, "")) for cell in row))
    return shown
