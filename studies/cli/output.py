"""Where commands print, and the tables that they print of anything but results."""

from rich.console import Console
from rich.table import Table

console = Console()


def table(*columns: str, whole: frozenset[str] = frozenset()) -> Table:
    """Return an empty table; cells of the columns in ``whole`` are never broken over two lines."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold", no_wrap=column in whole)
    return made
