"""Measure what a study of very many runs costs besides the runs: to start, to schedule and to report it."""

import io
import tempfile
import time
from pathlib import Path

import click
from rich.console import Console

from studies.cli import output
from studies.design.freezing import FrozenStudy
from studies.formatting import count, duration, percent
from studies.records.folder import ResultsFolder
from studies.report.page import write_report
from studies.report.presentation import Presentation
from studies.results.collecting import collect
from studies.running import load

FEW = 100


@click.command()
@click.option(
    "--runs", type=click.IntRange(min=10, max=20_000), default=5000, show_default=True, help="Tiny runs to execute."
)
@click.option(
    "--reported", type=click.IntRange(10, 20_000), default=10_000, show_default=True, help="Finished runs to report."
)
@click.option("--cpus", type=click.IntRange(1, 100_000), metavar="N", help="Runs at once [default: all].")
def command(runs: int, reported: int, cpus: int | None) -> None:
    """Measure what a study of very many runs costs besides the runs: to start, to schedule and to report it.

    All in processor time, of all processes together. Takes ten minutes on two processors, and keeps nothing.
    """
    quiet = Console(file=io.StringIO())
    with tempfile.TemporaryDirectory(prefix="gating-studies-load-") as temporary:
        folder = Path(temporary)
        _print_scheduling(load.scheduling(runs, cpus, folder / "scheduled", quiet))
        few = load.start(load.tiny(FEW), folder / "few", quiet)
        many = load.start(load.tiny(reported), folder / "many", quiet)
        frozen = load.reported(reported)
        finished = ResultsFolder(folder / "finished", load.STUDY)
        total = load.finish(frozen, finished)
        load.forget_one(frozen, finished)
        resumed = load.start(frozen, folder / "finished", quiet)
        _say(
            f"start: the first record is there after {few:.1f} s of processor time for {FEW} runs, {many:.1f} s for "
            f"{count(reported)}, and {resumed:.1f} s where {count(total - 1)} are finished"
        )
        _say(f"report: {_seconds_of_report(frozen, finished):.1f} s of processor time for {count(total)} runs")


def _print_scheduling(found: load.Scheduling) -> None:
    each = found.inside / found.runs
    outside = (found.total - found.start - found.inside) / found.runs
    _say(
        f"scheduling: {percent(found.share_after_start)} of the processor time inside the runs, {1000 * outside:.1f} "
        f"ms for each run of {1000 * each:.1f} ms; {percent(found.share)} with the start of "
        f"{found.start:.1f} s"
    )
    _say(
        f"time: {count(found.runs)} runs in {duration(found.wall)}; the driver's memory grew by "
        f"{found.bytes_per_run / 1000:.1f} kB for each"
    )


def _seconds_of_report(frozen: FrozenStudy, folder: ResultsFolder) -> float:
    """Return the seconds of processor time that it takes to read a finished study and to write its report."""
    before = time.process_time()
    with folder.locked():
        shown = Presentation.usual(searched=frozen.sweep.search is not None)
        write_report(folder, collect(frozen, folder.ledger), shown, "What does a report take?", "this suite")
    return time.process_time() - before


def _say(line: str) -> None:
    output.console.print(line, soft_wrap=True)
