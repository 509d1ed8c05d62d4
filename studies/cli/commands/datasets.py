"""List the datasets, and which are embedded, downloaded already, or still to download."""

import click
from rich.padding import Padding
from rich.text import Text

from core import data
from studies.cli import output
from studies.formatting import count, megabytes


@click.command()
def command() -> None:
    """List the datasets, and which are embedded, downloaded already, or still to download."""
    for source in data.SOURCES.values():
        size = f"{count(source.examples)} examples of {count(source.features)} features, {source.classes} classes"
        output.console.print(Text.assemble((source.name, "bold"), f": {size}"))
        without = ", without the test split" if source.test_examples else ""
        sizes = f"; as {source.name}:N, N {source.sizes}{without}"
        errors = "; errors in bits" if source.metric == "bits" else ""
        about = f"{source.summary}, from {source.origin}{sizes}{errors}; {_place(source)}"
        output.console.print(Padding(about, (0, 0, 0, 4)))
    _own()


def _own() -> None:
    for name, entry in sorted(data.installed().items()):
        output.console.print(Text.assemble((name, "bold"), f": of the installed package {data.package_of(entry)}"))


def _place(source: data.Source) -> str:
    """Where a dataset's files are."""
    if not source.files:
        return "embedded"
    folder = data.cached(source)
    return f"to download, {megabytes(source.size)}" if folder is None else f"in {folder}"
