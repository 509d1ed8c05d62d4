"""List the studies, each with what it is about."""

import click

from core.errors import InputError
from studies import catalogue
from studies.cli import output


@click.command("list")
def command() -> None:
    """List the studies, each with what it is about; ``show NAME`` has its question, source and sizes."""
    table = output.table("study", "about", whole=frozenset({"study"}))
    for name in catalogue.names():
        table.add_row(name, _line(name))
    output.console.print(table)


def _line(name: str) -> str:
    try:
        return catalogue.line(name)
    except InputError as error:
        # The others are there all the same.
        return str(error)
