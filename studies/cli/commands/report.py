"""Write the tables, the figures and the page of a finished study again."""

from pathlib import Path

import click

from studies.cli import options, output, whole_study
from studies.records.folder import ResultsFolder


@click.command()
@click.argument("name")
@options.results
def command(name: str, results: Path) -> None:
    """Write the tables, the figures and the page of a finished study again."""
    page = whole_study.report(ResultsFolder(results, name), name)
    output.console.print(f"report: {page}", soft_wrap=True)
