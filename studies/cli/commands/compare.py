"""Set the results of two studies side by side, arm by arm."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from studies import finished
from studies.cli import options, output
from studies.formatting import share
from studies.metric import difference_text, error_interval_text, error_text
from studies.records.files import write_atomically
from studies.report.terminal import terminal_table
from studies.results.summary import SUMMARY, external_note


@click.command()
@click.argument("first", type=options.Place(file_okay=False))
@click.argument("second", type=options.Place())
@click.option("--csv", "csv_file", type=options.Place(dir_okay=False), metavar="FILE", help="Write the table here.")
def command(first: Path, second: Path, csv_file: Path | None) -> None:
    """Set the results of two studies side by side, arm by arm.

    FIRST and SECOND are folders such as results/quickstart. SECOND may be a CSV with results of others instead. Nothing
    is tested: only runs on the same seeds of one study are pairs.
    """
    if second.suffix == ".csv":
        _print_beside(finished.load(first).beside(second), csv_file)
        return
    found = finished.compare(finished.load(first), finished.load(second))
    if csv_file is not None:
        write_atomically(csv_file, found.to_csv(index=False, lineterminator="\n"))
    table = output.table("arm", "setting", "n", "first", "second", "change", "same runs", whole=frozenset({"arm"}))
    for row in found.to_dict("records"):
        table.add_row(
            row["arm"],
            f"{row['dataset']} {row['network']} τ = {share(row['target_density'])}",
            f"{row['n_1']:.0f}, {row['n_2']:.0f}",
            *(_with_interval(row, of) for of in (1, 2)),
            difference_text(row["dataset"], row["difference"]),
            str(row["same_runs"]),
        )
    output.console.print(table)


def _with_interval(row: Mapping[Any, Any], of: int) -> str:
    dataset = row["dataset"]
    interval = error_interval_text(dataset, row[f"ci_low_{of}"], row[f"ci_high_{of}"])
    return f"{error_text(dataset, row[f'mean_{of}'])} ({interval})"


def _print_beside(found: finished.FinishedStudy, csv_file: Path | None) -> None:
    """Print the summary of a study with results of others, and where these are from."""
    if csv_file is not None:
        write_atomically(csv_file, found.summary.to_csv(index=False, lineterminator="\n"))
    output.console.print(terminal_table(SUMMARY, found.summary, output.console.width))
    output.console.print(external_note(found.results).strip())
