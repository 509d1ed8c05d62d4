"""Run a sample of finished runs again, and compare their records."""

from pathlib import Path

import click

from core import data
from studies import catalogue
from studies.cli import options, output
from studies.formatting import printable
from studies.own.plugins import read_plugins
from studies.records.folder import ResultsFolder
from studies.running import verify

AGREE, DIFFER = 0, 1


@click.command()
@click.argument("name", type=options.StudyName())
@click.option("--runs", type=click.IntRange(min=1), default=5, show_default=True, help="How many, drawn by chance.")
@click.option("--all", "every_run", is_flag=True, help="Every finished run, in place of a sample.")
@click.option("--dataset", metavar="FILE", help="Where data of your own is that the study was run on.")
@options.data
@options.results
@options.plugin
def command(
    name: str,
    runs: int,
    every_run: bool,
    dataset: str | None,
    data_folder: Path | None,
    results: Path,
    plugin_files: tuple[Path, ...],
) -> int:
    """Run a sample of finished runs again, and compare their records.

    They have to be identical but for times where code, versions and machine are the same. Elsewhere every number has to
    be within 0.1 %, or the error within half a point or a twentieth of a bit. Nothing is written. Exit code 1 if a run
    differs.
    """
    plugins = read_plugins(plugin_files)
    if dataset is not None:
        data.canonical(dataset)
    folder = ResultsFolder(results, name)
    catalogue.find(name)
    frozen = folder.frozen().design
    finished = verify.finished_runs(frozen, folder.ledger)
    chosen = verify.sample(finished, None if every_run else runs, frozen.sweep.root_seed)
    found = []
    for verified in verify.verify(chosen, plugins, data_folder):
        found.append(verified)
        output.console.print(printable(verified.sentence()), soft_wrap=True)
    output.console.print(_summed_up(name, found, len(finished)), soft_wrap=True)
    return AGREE if all(verified.agrees for verified in found) else DIFFER


def _summed_up(name: str, found: list[verify.Verified], finished: int) -> str:
    """Say how many of the runs agree."""
    of = f"{len(found)} of {finished} finished runs of {name} were run again: "
    identical = sum(verified.identical for verified in found)
    agree = sum(verified.agrees for verified in found)
    if agree < len(found):
        return f"{of}{len(found) - agree} differ, {agree} agree"
    if identical == len(found):
        return f"{of}all are identical"
    return f"{of}all agree, {identical} of them to the last bit"
