"""Draw the figures of a finished study again; each has the numbers it shows beside it as CSV."""

from collections.abc import Sequence
from pathlib import Path

import click

from core.errors import InputError, unknown
from studies import catalogue
from studies.cli import options, output
from studies.records.folder import ResultsFolder
from studies.records.stamp import Stamp
from studies.report.drawing.choice import Choice, drawing
from studies.report.drawing.figure import FORMATS, Figure
from studies.report.drawing.venue import VENUES, find_venue
from studies.report.page import write_figures, write_table
from studies.results.collecting import collect
from studies.results.summary import SUMMARY


@click.command()
@click.argument("name", type=options.StudyName())
@options.results
@click.option("--format", "formats", default="pdf,png", show_default=True, help="pdf, png, svg; comma separated.")
@click.option("--venue", default="default", show_default=True, help=f"Widths and fonts of: {', '.join(VENUES)}.")
@click.option("--only", metavar="A,B", help="Only these figures.")
@click.option("--out", type=options.Place(file_okay=False), metavar="DIR", help="Write to DIR, not beside the results.")
@click.option("--arms", metavar="A;B", help="Only these arms, separated by semicolons; needs --out.")
@click.option("--rename", "renamed", metavar="ARM=NAME", multiple=True, help="What an arm is called; needs --out.")
@click.option("--palette", default="", metavar="NAME", help="Colours of one of seaborn's palettes; needs --out.")
@click.option(
    "--beside",
    "others",
    type=options.Place(),
    metavar="CSV",
    multiple=True,
    help="Results of others, to stand beside the study's, in its summary too; needs --out.",
)
def command(
    name: str,
    results: Path,
    formats: str,
    venue: str,
    only: str | None,
    out: Path | None,
    arms: str | None,
    renamed: tuple[str, ...],
    palette: str,
    others: tuple[Path, ...],
) -> None:
    """Draw the figures of a finished study again; each has the numbers it shows beside it as CSV."""
    extensions = options.listed(formats)
    for extension in extensions:
        if extension not in FORMATS:
            raise unknown("figure format", extension, FORMATS)
    look = find_venue(venue)
    catalogue.find(name)
    folder = ResultsFolder(results, name)
    frozen = folder.frozen().design
    figures = _named(catalogue.presentation(name, searched=frozen.sweep.search is not None).figures, only)
    if (arms or renamed or palette or others) and out is None:
        asked = "--arms, --rename, --palette, --beside"
        raise InputError(f"{asked}: a study's own figures show all of it and nothing else: name a folder with --out")
    if out is not None:
        # Without a lock, since nothing is written to the study's folder, which may be somebody else's.
        found = collect(frozen, folder.ledger)
        for file in others:
            found = found.beside(file)
        choice = Choice.among(frozen, _parts(arms), dict(map(_pair, renamed)), palette, found.external_arms)
        with drawing(choice):
            pictures = write_figures(folder, figures, found, extensions, look, out)
        if others:
            numbers = choice.of(SUMMARY.numbers(found))
            pictures += write_table(SUMMARY, numbers, found, out / "summary.csv", out / "summary.tex")
    else:
        with folder.locked():
            pictures = write_figures(folder, figures, collect(frozen, folder.ledger), extensions, look)
            stamp = Stamp.read(folder.path)
            if stamp is not None:
                # The pictures are as they were asked for: they do not make the report a stale one.
                stamp.with_files(folder.path, pictures).write(folder.path)
    for picture in pictures:
        output.console.print(str(picture), soft_wrap=True)


def _named(figures: Sequence[Figure], only: str | None) -> Sequence[Figure]:
    """Return the figures that are asked for, in the order in which they are named."""
    if only is None:
        return figures
    by_name = {figure.name: figure for figure in figures}
    for name in options.listed(only):
        if name not in by_name:
            raise unknown("figure", name, by_name)
    return [by_name[name] for name in options.listed(only)]


def _parts(arms: str | None) -> list[str]:
    """Names of arms may have commas."""
    return [] if arms is None else [part.strip() for part in arms.split(";") if part.strip()]


def _pair(text: str) -> tuple[str, str]:
    arm, equals, name = text.rpartition("=")
    if not equals or not arm or not name.strip():
        raise InputError(f"--rename {text!r}: expected ARM=NAME")
    return arm, name.strip()
