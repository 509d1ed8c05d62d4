"""Runs what is missing of a frozen study, and keeps every record as soon as it is there."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from core import data
from kernels import prepare
from strategies import Plugin
from studies.design.configuration import Stage
from studies.design.freezing import FrozenStudy
from studies.design.runs import PlannedRun, RunList
from studies.records import environment
from studies.records.folder import Frozen, ResultsFolder
from studies.running.progress import RunProgress
from studies.running.resources import Resources

# What --retry-errors runs again: faults of the code or of the machine, never a result such as a diverged training.
RETRIED = frozenset({"error", "timeout"})


@dataclass(frozen=True)
class Ending:
    """How the running of a study ended.

    Attributes:
        ran: whether anything was run.
        interrupted: whether the user stopped it.
        lost: whether runs died with their worker too often; they have no record.
    """

    ran: bool = False
    interrupted: bool = False
    lost: bool = False

    @property
    def complete(self) -> bool:
        """Whether every run has its record."""
        return not (self.interrupted or self.lost)


def run_missing(
    frozen: FrozenStudy,
    folder: ResultsFolder,
    plugins: tuple[Plugin, ...],
    resources: Resources,
    console: Console,
    *,
    retry_errors: bool = False,
    data_folder: Path | None = None,
) -> Ending:
    """Run what the folder does not have yet: the search if there is one, then the runs on the evaluation seeds.

    Args:
        frozen: the study.
        folder: where its records are kept; the caller holds its lock.
        plugins: strategies from outside, sent to the workers.
        resources: where to run.
        console: for progress.
        retry_errors: run those again that ended in ``RETRIED``.
        data_folder: where the files of datasets that are not embedded are; None downloads them.

    Raises:
        InputError: the data is missing, or the cluster cannot be joined.
    """
    ledger = folder.ledger
    stages: tuple[Stage, ...] = ("search", "evaluate")
    ran = False
    planned = RunList.of(frozen, ledger)
    for stage in stages:
        # Two arms may have a run in common.
        of_stage = {run.configuration.run_id: run for run in planned.runs if run.configuration.stage == stage}
        # A record that is retried stays until its successor replaces it.
        wanted = [
            run
            for run_id, run in of_stage.items()
            if run_id not in ledger or (retry_errors and ledger.read(run_id)["status"] in RETRIED)
        ]
        if not wanted:
            continue
        ran = True
        kept = len(of_stage) - len(wanted)
        what = f"{frozen.study} ({frozen.scale}{', search' if stage == 'search' else ''})"
        console.print(f"{what}: {len(of_stage)} runs, {kept} already done, {len(wanted)} to run", highlight=False)
        ending = _run(frozen, folder, plugins, resources, console, wanted, kept, data_folder)
        if not ending.complete:
            return ending
        # The search's winners decide what is evaluated.
        planned = RunList.of(frozen, ledger)
    if not ran:
        console.print(f"{frozen.study}: nothing to run, all {len(planned.runs)} runs are done", highlight=False)
    return Ending(ran)


def freeze(frozen: FrozenStudy, folder: ResultsFolder) -> None:
    """Write the study with the environment of this process into its folder."""
    folder.freeze(Frozen(frozen, environment.describe()))


def _run(
    frozen: FrozenStudy,
    folder: ResultsFolder,
    plugins: tuple[Plugin, ...],
    resources: Resources,
    console: Console,
    wanted: Sequence[PlannedRun],
    kept: int,
    data_folder: Path | None,
) -> Ending:
    """Run the missing runs of a stage; ``kept`` are done already."""
    ledger = folder.ledger
    configurations = [run.configuration for run in wanted]
    names = {configuration.dataset for configuration in configurations}
    datasets = {name: data.load(name, data_folder) for name in names}
    # Imported here, since it takes a second that nothing else needs.
    from studies.running.schedule import execute_all

    # Here rather than in every worker at once.
    prepare()

    arms = {run.configuration.run_id: run.arm for run in wanted}
    with RunProgress(console, frozen.study, arms) as progress:

        def keep(record: dict[str, object]) -> None:
            # Not before the first record: a cluster that cannot be joined leaves nothing behind.
            if progress.done == 0:
                freeze(frozen, folder)
            ledger.add({**record, "design_hash": frozen.design_hash})
            progress.update(record)

        outcome = execute_all(configurations, datasets, plugins, resources, keep)
    if outcome.interrupted:
        total = kept + len(wanted)
        done = total - len(ledger.missing(arms))
        console.print(f"interrupted: {done} of {total} runs are kept, the same command runs the rest")
        return Ending(ran=True, interrupted=True)
    if outcome.lost:
        for run_id, reason in outcome.lost.items():
            console.print(f"lost: run {run_id}: {reason}", highlight=False, markup=False, soft_wrap=True)
        console.print("lost runs have no record; the same command runs them again")
        return Ending(ran=True, lost=True)
    return Ending(ran=True)
