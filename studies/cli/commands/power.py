"""Say how many seeds a difference needs, from the variance in a finished study."""

from pathlib import Path

import click

from studies import catalogue
from studies.cli import options, output
from studies.formatting import points
from studies.records.folder import ResultsFolder
from studies.report.terminal import terminal_table
from studies.results.collecting import collect
from studies.results.power import power_table


@click.command()
@click.argument("name")
@options.results
@click.option(
    "--difference",
    type=options.Number(0, 100, min_open=True),
    help="Of test error to detect, in percentage points [default: the study's delta].",
)
@click.option(
    "--power",
    "probability",
    type=options.Number(0, 1, min_open=True, max_open=True),
    default=0.8,
    show_default=True,
    help="Probability of detecting it.",
)
def command(name: str, results: Path, difference: float | None, probability: float) -> None:
    """Say how many seeds a difference needs, from the variance in a finished study."""
    folder = ResultsFolder(results, name)
    catalogue.find(name)
    pilot = collect(folder.frozen().design, folder.ledger)
    wanted = pilot.protocol.delta if difference is None else difference / 100
    table = power_table(wanted, probability)
    numbers = table.numbers(pilot)
    output.console.print(terminal_table(table, numbers))
    output.console.print(
        f"{table.caption(pilot)}\n"
        f"to detect {points(wanted, 2, signed=False)} points of test error with probability {probability:g} at alpha "
        f"{pilot.protocol.alpha:g} over {len(numbers)} contrasts: {numbers['seeds_needed'].max()} seeds for all, "
        f"{int(numbers['seeds_needed'].median())} for half of them",
        highlight=False,
        soft_wrap=True,
    )
