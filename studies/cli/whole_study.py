"""A study from its missing runs to its report."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import strategies
from studies import catalogue
from studies.cli import output
from studies.design.freezing import FrozenStudy
from studies.records.folder import ResultsFolder
from studies.records.stamp import Stamp
from studies.report import published
from studies.report.page import write_report
from studies.report.sentences import count_verdicts
from studies.report.terminal import terminal_table
from studies.results import Results
from studies.results.collecting import collect
from studies.results.looks import settled
from studies.results.summary import SUMMARY
from studies.running.progress import describe
from studies.running.resources import Resources
from studies.running.runner import Old, freeze, run_missing

DONE, FAILED, INTERRUPTED = 0, 1, 130
# Failed runs that are named at the end; all of them are in the report.
MOST_NAMED = 10


def at_looks(frozen: FrozenStudy) -> tuple[FrozenStudy, ...]:
    """Return the study with the seeds of each of its looks."""
    return tuple(replace(frozen, sweep=replace(frozen.sweep, seeds=seeds)) for seeds in frozen.sweep.looks)


def run_and_report(
    designs: Sequence[FrozenStudy],
    folder: ResultsFolder,
    plugins: tuple[strategies.Plugin, ...],
    resources: Resources,
    *,
    retry_errors: bool = False,
    old: Old = "refuse",
    data_folder: Path | None = None,
    keep_networks: bool = False,
) -> int:
    """Run what is missing, write the report, print the summary, and return the exit code.

    Args:
        designs: the study, or, to run it until it is decided, the study with the seeds of one look after the other.
        folder: of its results.
        plugins: strategies from outside.
        resources: where to run.
        retry_errors: see :func:`studies.running.runner.run_missing`.
        old: see there.
        data_folder: see there.
        keep_networks: see there.

    Raises:
        InputError: another driver is writing to the folder, the data is missing, the cluster cannot be joined, or
            finished runs were made by other code and ``old`` does not say what to do with them.
        MachineError: a record cannot be written, or Ray cannot be started.
    """
    others = False
    with folder.locked():
        for number, frozen in enumerate(designs, 1):
            ending = run_missing(
                frozen,
                folder,
                plugins,
                resources,
                output.console,
                retry_errors=retry_errors,
                old=old,
                data_folder=data_folder,
                keep_networks=keep_networks,
            )
            others |= ending.other_networks
            if ending.interrupted:
                return INTERRUPTED
            if ending.lost:
                return FAILED
            results = collect(frozen, folder.ledger)
            stamp = Stamp.read(folder.path)
            if stamp is None or not stamp.holds(frozen.design_hash, results.all_records, folder.path):
                freeze(frozen, folder)
                _write(folder, results, frozen)
            if len(designs) > 1:
                output.console.print(f"look at {frozen.sweep.seeds} seeds: {count_verdicts(results.contrasts)}")
                if number < len(designs) and not settled(results.looks, frozen.sweep.seeds):
                    continue
            break
        code = _print(folder, results)
        return FAILED if others else code


def report(folder: ResultsFolder, name: str) -> Path:
    """Write everything derived from a finished study; return the page.

    Raises:
        InputError: there is no such study, it has not been run in this folder, runs are missing, or another driver is
            writing there.
    """
    catalogue.find(name)
    frozen = folder.frozen().design
    with folder.locked():
        return _write(folder, collect(frozen, folder.ledger), frozen)


def publish(folder: ResultsFolder, name: str, destination: Path) -> list[Path]:
    """Write what a site shows of a finished study to ``destination/NAME``; return the files.

    Raises:
        InputError: there is no such study, it has not been run in this folder, or runs are missing.
    """
    frozen = folder.frozen().design
    shown = catalogue.presentation(name, searched=frozen.sweep.search is not None)
    return published.publish(collect(frozen, folder.ledger), shown, name, destination)


def _write(folder: ResultsFolder, results: Results, frozen: FrozenStudy) -> Path:
    study = catalogue.find(frozen.study)
    shown = catalogue.presentation(frozen.study, searched=frozen.sweep.search is not None)
    return write_report(folder, results, shown, study.question, study.source)


def _print(folder: ResultsFolder, results: Results) -> int:
    """Print the summary and what failed, and return the exit code."""
    console = output.console
    console.print(terminal_table(SUMMARY, SUMMARY.numbers(results)))
    arms = results.all_runs["arm"]
    failed = [(record, arm) for record, arm in zip(results.all_records, arms, strict=True) if record["status"] != "ok"]
    searched = sum(record["config"]["stage"] == "search" for record, _ in failed)
    if searched:
        console.print(f"in the search {searched} runs failed; they count at the chance floor there")
    failed = [(record, arm) for record, arm in failed if record["config"]["stage"] == "evaluate"]
    for record, arm in failed[:MOST_NAMED]:
        console.print(f"failed: {describe(record, arm)}", soft_wrap=True)
    if len(failed) > MOST_NAMED:
        console.print(f"and {len(failed) - MOST_NAMED} more runs failed; the report lists all {len(failed)}")
    console.print(f"report: {folder.path / 'report.html'}", soft_wrap=True)
    return FAILED if failed else DONE
