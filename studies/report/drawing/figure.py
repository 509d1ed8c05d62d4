"""What a figure is: its numbers, how they are drawn, and what its caption says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import matplotlib.figure
import pandas as pd

from studies.records.files import write_atomically, written_whole
from studies.report.drawing.choice import chosen
from studies.report.drawing.panels import panels_of
from studies.report.drawing.style import theme
from studies.report.drawing.venue import VENUES, Venue
from studies.results import Results

FORMATS = ("pdf", "png", "svg")

# A single panel that would be narrower gets the width of the text.
_NARROWEST = 1.6  # inches


@dataclass(frozen=True)
class Figure:
    """A named figure.

    Attributes:
        name: of its files.
        title: a short heading for reports.
        numbers: exactly what is drawn, which is exported beside the picture; empty if there is nothing to draw.
        draw: draws those numbers, as wide as the theme in force says; it sees nothing else.
        caption: what is shown, with n, failures and the kind of interval.
    """

    name: str
    title: str
    numbers: Callable[[Results], pd.DataFrame]
    draw: Callable[[pd.DataFrame], matplotlib.figure.Figure]
    caption: Callable[[Results], str]

    def chosen_numbers(self, results: Results) -> pd.DataFrame:
        """Return the numbers of what is drawn, see :func:`studies.report.drawing.choice.drawing`."""
        return chosen().of(self.numbers(results))

    def write(
        self, results: Results, folder: Path, formats: Sequence[str], venue: Venue = VENUES["default"]
    ) -> list[Path]:
        """Write the picture in each format, its numbers as CSV and its caption; return the pictures, if it has any."""
        numbers = self.chosen_numbers(results)
        if numbers.empty:
            return []
        write_atomically(folder / f"{self.name}.csv", numbers.to_csv(index=False, lineterminator="\n"))
        write_atomically(folder / f"{self.name}.txt", f"{self.title}. {self.caption(results)}\n")
        if not formats:
            return []
        drawn = self.drawn_for(venue, numbers)
        # Some settings are looked up no earlier than here.
        with mpl.rc_context(theme(venue)):
            return [save(drawn, folder / f"{self.name}.{extension}") for extension in formats]

    def drawn_for(self, venue: Venue, numbers: pd.DataFrame) -> matplotlib.figure.Figure:
        """Draw as wide as a column if that does for a single panel, else as wide as the text."""
        if venue.column_width < venue.text_width:
            with mpl.rc_context(theme(venue, venue.column_width)):
                drawn = self.draw(numbers)
                if len(panels_of(drawn)) == 1 and _has_room(_laid_out(drawn)):
                    return drawn
        with mpl.rc_context(theme(venue)):
            return _laid_out(self.draw(numbers))


def _laid_out(drawn: matplotlib.figure.Figure) -> matplotlib.figure.Figure:
    """Settle the layout; otherwise it shifts with each save, and files differ with the order of formats."""
    # Ticks depend on the size of panels, and that on the labels of ticks.
    for _ in range(2):
        drawn.draw_without_rendering()
    drawn.set_layout_engine("none")
    return drawn


def _has_room(drawn: matplotlib.figure.Figure) -> bool:
    """Whether a picture has room for its only panel and all letters."""
    width = float(drawn.get_figwidth())
    everything = drawn.get_tightbbox()
    inside = everything.x0 >= 0 and everything.x1 <= width
    return inside and float(panels_of(drawn)[0].get_position().width) * width >= _NARROWEST


def save(drawn: matplotlib.figure.Figure, picture: Path) -> Path:
    """Write a picture in the format of its ending, without a creation date: equal numbers give an equal file."""
    metadata = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}.get(picture.suffix)
    with written_whole(picture) as temporary:
        drawn.savefig(temporary, metadata=metadata)
    return picture
