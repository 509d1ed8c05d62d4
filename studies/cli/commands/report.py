"""Write the tables, the figures and the page of a finished study again."""

from pathlib import Path

import click

from studies.cli import options, output
from studies.launch import whole_study
from studies.records.folder import ResultsFolder


@click.command()
@click.argument("name", type=options.StudyName())
@options.results
@click.option(
    "--publish",
    type=options.Place(file_okay=False),
    metavar="DIR",
    help="Write its numbers, figures with captions and verdicts in words to DIR/NAME too.",
)
def command(name: str, results: Path, publish: Path | None) -> None:
    """Write the tables, the figures and the page of a finished study again."""
    folder = ResultsFolder(results, name)
    page = whole_study.report(folder, name)
    output.console.print(f"report: {page}", soft_wrap=True)
    if publish is not None:
        files = whole_study.publish(folder, name, publish)
        output.console.print(f"published: {len(files)} files in {publish}", soft_wrap=True)
