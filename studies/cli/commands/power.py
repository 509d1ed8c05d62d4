"""Say how many seeds a difference needs, from the variance in a finished study."""

from pathlib import Path

import click
import pandas as pd

from core.errors import InputError
from studies import catalogue
from studies.cli import options, output
from studies.metric import difference_units, in_units, unit_of
from studies.records.folder import ResultsFolder
from studies.report.terminal import terminal_table
from studies.results.collecting import collect
from studies.results.planning.seeds import power_table, seeds_text


@click.command()
@click.argument("name", type=options.StudyName())
@options.results
@click.option(
    "--difference",
    type=options.Number(0, 100, min_open=True),
    help="Of test error to decide, in percentage points or bits [default: the study's delta].",
)
@click.option(
    "--power",
    "probability",
    type=options.Number(0, 1, min_open=True, max_open=True),
    default=0.8,
    show_default=True,
    help="Probability of deciding it.",
)
def command(name: str, results: Path, difference: float | None, probability: float) -> None:
    """Say how many seeds a difference needs, from the variance in a finished study."""
    folder = ResultsFolder(results, name)
    catalogue.find(name)
    pilot = collect(folder.frozen().design, folder.ledger)
    units = {unit_of(name) for name in pilot.runs["dataset"].unique()}
    if difference is not None and len(units) > 1:
        raise InputError("power: --difference is of points on one dataset and of bits on another; leave it out")
    table = power_table(None if difference is None else difference / units.pop().factor, probability)
    numbers = table.numbers(pilot)
    output.console.print(terminal_table(table, numbers, output.console.width))
    needed = numbers["seeds_needed"]
    half = needed.sort_values().iloc[(len(needed) - 1) // 2]
    output.console.print(
        f"{table.caption(pilot)}\n"
        f"to decide {_size(numbers)} of test error with probability {probability:g} at alpha "
        f"{pilot.protocol.alpha:g} over {pilot.protocol.contrasts} contrasts: {seeds_text(needed.max(skipna=False))} "
        f"{pilot.protocol.unit_name} for all, {seeds_text(half)} for half of them",
        highlight=False,
        soft_wrap=True,
    )


def _size(numbers: pd.DataFrame) -> str:
    sizes = in_units(numbers, numbers["difference"])
    low, high = (f"{size:.3g}" for size in (sizes.min(), sizes.max()))
    return f"{low if low == high else f'{low} to {high}'} {difference_units(numbers)}"
