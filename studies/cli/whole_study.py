"""A study from its missing runs to its report."""

from pathlib import Path

import strategies
from core.errors import InputError
from studies import catalogue
from studies.cli import output
from studies.design.freezing import FrozenStudy
from studies.records.folder import ResultsFolder
from studies.report.page import write_report
from studies.report.terminal import terminal_table
from studies.results import Results
from studies.results.collecting import collect
from studies.results.summary import SUMMARY
from studies.running.progress import describe
from studies.running.resources import Resources
from studies.running.runner import freeze, run_missing

DONE, FAILED, INTERRUPTED = 0, 1, 130


def run_and_report(
    frozen: FrozenStudy,
    folder: ResultsFolder,
    plugins: tuple[strategies.Plugin, ...],
    resources: Resources,
    *,
    retry_errors: bool = False,
    data_folder: Path | None = None,
) -> int:
    """Run what is missing, write the report, print the summary, and return the exit code.

    Raises:
        InputError: another driver is writing to the folder, the data is missing, or the cluster cannot be joined.
    """
    with folder.locked():
        ending = run_missing(
            frozen, folder, plugins, resources, output.console, retry_errors=retry_errors, data_folder=data_folder
        )
        if ending.interrupted:
            return INTERRUPTED
        if ending.lost:
            return FAILED
        return _report(frozen, folder, changed=ending.ran or _changed(frozen, folder))


def report(folder: ResultsFolder, name: str) -> tuple[Results, Path]:
    """Write everything derived from a finished study; return its results and the page.

    Raises:
        InputError: there is no such study, it has not been run in this folder, or runs are missing.
    """
    study = catalogue.find(name)
    searched = folder.frozen().design.sweep.search is not None
    return write_report(folder, catalogue.presentation(name, searched=searched), study.question, study.source)


def _changed(frozen: FrozenStudy, folder: ResultsFolder) -> bool:
    """Whether what was derived before is of another design, or was never written; if so, freeze this design."""
    try:
        if folder.frozen().design.design_hash == frozen.design_hash and (folder.path / "report.html").exists():
            return False
    except InputError:
        pass
    freeze(frozen, folder)
    return True


def _report(frozen: FrozenStudy, folder: ResultsFolder, *, changed: bool) -> int:
    """Report on a finished study."""
    results = report(folder, frozen.study)[0] if changed else collect(frozen, folder.ledger)
    console = output.console
    console.print(terminal_table(SUMMARY, SUMMARY.numbers(results)))
    arms = results.runs["arm"]
    failed = [(record, arm) for record, arm in zip(results.records, arms, strict=True) if record["status"] != "ok"]
    searched = sum(record["config"]["stage"] == "search" for record, _ in failed)
    if searched:
        console.print(f"in the search {searched} runs failed; they count at the chance floor there", highlight=False)
    failed = [(record, arm) for record, arm in failed if record["config"]["stage"] == "evaluate"]
    for record, arm in failed:
        console.print(f"failed: {describe(record, arm)}", highlight=False, markup=False, soft_wrap=True)
    console.print(f"report: {folder.path / 'report.html'}", highlight=False, markup=False, soft_wrap=True)
    return FAILED if failed else DONE
