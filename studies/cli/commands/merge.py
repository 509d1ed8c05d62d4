"""Take over finished runs from other results folders of the same study."""

from pathlib import Path

import click

from studies.cli import options, output
from studies.records.merging import folder_at, merge
from studies.report.drawing.notes import count_of

DAMAGED = 1


@click.command()
@click.argument("into", type=options.Place(file_okay=False))
@click.argument("sources", nargs=-1, required=True, type=options.Place(file_okay=False))
def command(into: Path, sources: tuple[Path, ...]) -> int:
    """Take over finished runs from other results folders of the same study.

    INTO and SOURCES are folders such as results/quickstart. Runs that INTO has stay as they are; kept networks come
    along. Tables and figures are made by the next ``run`` or ``report``. Exit code 1 if a record or network cannot be
    read.
    """
    damaged = 0
    for source in sources:
        merged = merge(into, source)
        kept = f" and {count_of(merged.networks, 'network')}" if merged.networks else ""
        said = f"{source}: {count_of(merged.added, 'run')}{kept} taken over, {merged.there} were there"
        output.console.print(said, soft_wrap=True)
        for line in merged.damaged:
            output.console.print(f"left out: {line}", soft_wrap=True)
        damaged += len(merged.damaged)
    name = folder_at(into).path.name
    output.console.print(f"python -m studies run {name} --results {into.parent} goes on with them", soft_wrap=True)
    return DAMAGED if damaged else 0
