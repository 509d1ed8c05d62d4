"""A study from its missing runs to its report."""

from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from studies import catalogue
from studies.design.freezing import FrozenStudy
from studies.launch.choices import Launch
from studies.records.files import write_atomically
from studies.records.folder import ResultsFolder
from studies.records.stamp import Stamp
from studies.report import published
from studies.report.overview import overview
from studies.report.page import write_report
from studies.report.sentences import count_verdicts
from studies.results import Results
from studies.results.collecting import collect
from studies.results.looks import settled
from studies.running.runner import Ending, freeze, run_missing


@dataclass(frozen=True)
class Outcome:
    """What became of a study.

    Attributes:
        ending: how its runs ended.
        design: the study with the seeds, or searches, that it has in the end.
        results: of it; None unless every run has its record.
        other_networks: whether runs that were made again for their networks came out otherwise.
    """

    ending: Ending
    design: FrozenStudy
    results: Results | None = None
    other_networks: bool = False


def run_and_report(launch: Launch, folder: ResultsFolder, console: Console) -> Outcome:
    """Run what is missing, and write the report.

    Raises:
        InputError: another driver is writing to the folder, the data is missing, the cluster cannot be joined, or
            finished runs were made by other code and the launch does not say what to do with them.
        MachineError: a record cannot be written, or Ray cannot be started.
    """
    others = False
    with folder.locked():
        for number, frozen in enumerate(launch.designs, 1):
            ending = run_missing(
                frozen,
                folder,
                launch.plugins,
                launch.resources,
                console,
                retry_errors=launch.retry_errors,
                old=launch.old,
                data_folder=launch.data_folder,
                keep_networks=launch.keep_networks,
            )
            others |= ending.other_networks
            if not ending.complete:
                return Outcome(ending, frozen)
            results = collect(frozen, folder.ledger)
            stamp = Stamp.read(folder.path)
            if stamp is None or not stamp.holds(frozen.design_hash, results.all_records, folder.path):
                freeze(frozen, folder)
                _write(folder, results, frozen)
            if len(launch.designs) > 1:
                protocol = frozen.protocol
                console.print(f"look at {protocol.units} {protocol.unit_name}: {count_verdicts(results.contrasts)}")
                if number < len(launch.designs) and not settled(results.looks, protocol.units):
                    continue
            break
        return Outcome(ending, frozen, results, others)


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
    """Write what a site shows of a study to ``destination/NAME``, and all studies' verdicts; return the files.

    Raises:
        InputError: there is no such study, it has not been run in this folder, or runs are missing.
    """
    frozen = folder.frozen().design
    shown = catalogue.presentation(name, searched=frozen.sweep.search is not None)
    files = published.publish(collect(frozen, folder.ledger), shown, name, destination)
    write_atomically(destination / published.VERDICTS, overview(destination))
    return [*files, destination / published.VERDICTS]


def _write(folder: ResultsFolder, results: Results, frozen: FrozenStudy) -> Path:
    study = catalogue.find(frozen.study)
    shown = catalogue.presentation(frozen.study, searched=frozen.sweep.search is not None)
    return write_report(folder, results, shown, study.question, study.source)
