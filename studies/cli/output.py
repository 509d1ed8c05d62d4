"""Where commands print, and the tables that they print of anything but results."""

import unicodedata
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from studies.cli.unwritten import unwritten


class PlainConsole(Console):
    """Prints what users, plugins and paths say as it is: neither markup, nor coloured, nor obeyed by a terminal."""

    def __init__(self, **options: Any) -> None:
        super().__init__(markup=False, highlight=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str("".join(map(_harmless, text)), **options)

    def print(self, *objects: Any, **options: Any) -> None:
        # What cannot be written is no reason for a study to stop; that it could not is said when the process ends.
        try:
            super().print(*objects, **options)
        except OSError as error:
            unwritten.append(error)

    def on_broken_pipe(self) -> None:
        # The reader has what it wanted.
        self.quiet = True


def _harmless(letter: str) -> str:
    return letter if letter.isprintable() or letter == "\n" or unicodedata.category(letter) == "Zs" else "?"


console = PlainConsole()


def table(*columns: str, whole: frozenset[str] = frozenset()) -> Table:
    """Return an empty table; cells of the columns in ``whole`` are never broken over two lines."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        made.add_column(column, overflow="fold", no_wrap=column in whole)
    return made
