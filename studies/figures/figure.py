"""What a figure is: its numbers, how they are drawn, and what its caption says."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import matplotlib.figure
import pandas as pd

from studies.figures.style import THEME
from studies.ledger import write_atomically
from studies.results import Results

FORMATS = ("pdf", "png", "svg")


@dataclass(frozen=True)
class Figure:
    """A named figure.

    Attributes:
        name: of its files.
        title: a short heading for reports.
        numbers: exactly what is drawn, which is exported beside the picture; empty if there is nothing to draw.
        draw: draws those numbers; it sees nothing else.
        caption: what is shown, with n, failures and the kind of interval.
    """

    name: str
    title: str
    numbers: Callable[[Results], pd.DataFrame]
    draw: Callable[[pd.DataFrame], matplotlib.figure.Figure]
    caption: Callable[[Results], str]

    def write(self, results: Results, folder: Path, formats: Sequence[str]) -> list[Path]:
        """Write the picture in each format and its numbers as CSV; return the pictures: none without numbers."""
        numbers = self.numbers(results)
        if numbers.empty:
            # What an earlier design had to show would pass for this one's.
            for extension in ("csv", *FORMATS):
                (folder / f"{self.name}.{extension}").unlink(missing_ok=True)
            return []
        write_atomically(folder / f"{self.name}.csv", numbers.to_csv(index=False, lineterminator="\n"))
        with mpl.rc_context(THEME):
            drawn = self.draw(numbers)
            return [save(drawn, folder / f"{self.name}.{extension}") for extension in formats]


def save(drawn: matplotlib.figure.Figure, picture: Path) -> Path:
    """Write a picture in the format of its ending, without a creation date: equal numbers give an equal file."""
    metadata = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}.get(picture.suffix)
    drawn.savefig(picture, metadata=metadata)
    return picture


def sample_note(results: Results) -> str:
    """Say how many runs stand behind a figure and how many failed, for captions.

    Failed runs are counted at the chance floor.
    """
    counts = sorted(set(results.summary["n"]))
    n = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    failures = int(results.summary["failures"].sum())
    failed = "no run failed" if not failures else f"{failures} failed, drawn as crosses at the chance floor"
    few = "; below 20 seeds, intervals are wide and tests weak" if counts[0] < 20 else ""
    return f"n = {n} paired seeds per strategy; {failed}{few}."
