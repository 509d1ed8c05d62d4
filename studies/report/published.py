"""A finished study for a site: its numbers, figures with captions, and verdicts in words, as files to commit."""

from pathlib import Path

import pandas as pd

from core.errors import InputError
from studies.records.files import write_atomically
from studies.report.presentation import Presentation
from studies.report.sentences import count_verdicts, named, sentences
from studies.results import Results
from studies.results.tables import STANDARD

VERDICTS = "verdicts.md"
# Large, and of no use without the records.
_LEFT_OUT = frozenset({"runs", "winners"})


def publish(results: Results, presentation: Presentation, name: str, folder: Path) -> list[Path]:
    """Write ``folder/NAME``: every table as CSV, every figure as SVG with its caption and numbers, verdicts in words.

    Without contrasts there are no words.

    Args:
        results: of the study.
        presentation: what is shown of it.
        name: the study's.
        folder: of all published studies.

    Returns:
        The files.

    Raises:
        InputError: the study was tested on development examples, which say nothing that could be published.
    """
    if results.protocol.development:
        raise InputError(f"{name}: was run with --develop, on examples that defaults are chosen by: run it without")
    here = folder / name
    here.mkdir(parents=True, exist_ok=True)
    written = []
    for table in (*STANDARD, *presentation.tables):
        numbers = table.numbers(results)
        if table.name in _LEFT_OUT or numbers.empty:
            continue
        written.append(here / f"{table.name}.csv")
        write_atomically(written[-1], numbers.to_csv(index=False, lineterminator="\n"))
    for figure in presentation.figures:
        pictures = figure.write(results, here, ["svg"])
        if pictures:
            written += [*pictures, here / f"{figure.name}.csv", here / f"{figure.name}.txt"]
    # A study of times compares no errors.
    if not results.contrasts.empty:
        written.append(here / VERDICTS)
        write_atomically(written[-1], verdicts(results.contrasts))
    return written


def verdicts(contrasts: pd.DataFrame) -> str:
    """Return what the primary contrasts say, in Markdown; the words are those of the table, and no others.

    Args:
        contrasts: of :func:`studies.results.contrasts.contrast`, or read from ``contrasts.csv``.
    """
    lines = [count_verdicts(contrasts), ""]
    said = sentences(contrasts)
    for setting, of_setting in said:
        if len(said) > 1:
            lines += [f"{setting}:", ""]
        lines += [*(f"* {line}" for line in of_setting), ""]
    return "\n".join(lines).rstrip() + "\n"


def read_verdicts(folder: Path) -> str | None:
    """Return the verdicts of a published study from its numbers; None if it has none of the present protocol."""
    contrasts = read_contrasts(folder)
    return None if contrasts is None else verdicts(contrasts)


def read_contrasts(folder: Path) -> pd.DataFrame | None:
    """Return the contrasts of a published study; None if it has none of the present protocol."""
    path = folder / "contrasts.csv"
    if not path.exists():
        return None
    contrasts = pd.read_csv(path, keep_default_na=False, na_values=[""])
    return named(contrasts) if "primary" in contrasts else None
