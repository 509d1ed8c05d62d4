"""Draw the figures of a finished study again; each has the numbers it shows beside it as CSV."""

from pathlib import Path

import click

from core.errors import unknown
from studies import catalogue
from studies.cli import options, output
from studies.records.folder import ResultsFolder
from studies.records.stamp import Stamp
from studies.report.drawing.figure import FORMATS
from studies.report.drawing.venue import VENUES, find_venue
from studies.report.page import write_figures
from studies.results.collecting import collect


@click.command()
@click.argument("name", type=options.StudyName())
@options.results
@click.option("--format", "formats", default="pdf,png", show_default=True, help="pdf, png, svg; comma separated.")
@click.option("--venue", default="default", show_default=True, help=f"Widths and fonts of: {', '.join(VENUES)}.")
def command(name: str, results: Path, formats: str, venue: str) -> None:
    """Draw the figures of a finished study again; each has the numbers it shows beside it as CSV."""
    chosen = options.listed(formats)
    for extension in chosen:
        if extension not in FORMATS:
            raise unknown("figure format", extension, FORMATS)
    look = find_venue(venue)
    catalogue.find(name)
    folder = ResultsFolder(results, name)
    frozen = folder.frozen().design
    shown = catalogue.presentation(name, searched=frozen.sweep.search is not None)
    with folder.locked():
        pictures = write_figures(folder, shown.figures, collect(frozen, folder.ledger), chosen, look)
        stamp = Stamp.read(folder.path)
        if stamp is not None:
            # The pictures are as they were asked for: they do not make the report a stale one.
            stamp.with_files(folder.path, pictures).write(folder.path)
    for picture in pictures:
        output.console.print(str(picture), soft_wrap=True)
