"""Runs what is missing of a frozen study, and keeps every record as soon as it is there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rich.console import Console

from core import data
from core.errors import InputError, MachineError
from kernels import prepare
from strategies import Plugin
from studies.design.configuration import Stage
from studies.design.freezing import FrozenStudy
from studies.design.runs import PlannedRun, RunList
from studies.records import environment
from studies.records.folder import Frozen, ResultsFolder
from studies.records.ledger import Ledger
from studies.running.descriptors import silenced
from studies.running.other_code import OtherCode, runs_of_other_code
from studies.running.progress import RunProgress
from studies.running.resources import Resources

# What --retry-errors runs again: faults of the code or of the machine, never a result such as a diverged training.
RETRIED = frozenset({"error", "timeout", "died"})
# What to do with finished runs that were made by other code.
Old = Literal["refuse", "rerun", "keep"]


@dataclass(frozen=True)
class Ending:
    """How the running of a study ended.

    Attributes:
        ran: whether anything was run.
        interrupted: whether the user stopped it.
        lost: whether runs died with their worker too often; they have no record.
        processor_seconds: what the runs took, without what it took to schedule them.
    """

    ran: bool = False
    interrupted: bool = False
    lost: bool = False
    processor_seconds: float = 0.0

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
    old: Old = "refuse",
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
        old: what to do with finished runs that were made by other code.
        data_folder: where the files of datasets that are not embedded are; None downloads them.

    Raises:
        InputError: the data is missing, the cluster cannot be joined, or there are runs of other code and ``old`` is
            ``refuse``.
        MachineError: a record cannot be written, or Ray cannot be started.
    """
    ledger = folder.ledger
    stages: tuple[Stage, ...] = ("search", "evaluate")
    ran, spent = False, 0.0
    planned = RunList.of(frozen, ledger)
    changed = runs_of_other_code(planned, ledger, plugins)
    if changed and old == "refuse":
        raise InputError(
            f"{frozen.study}: {changed.sentence()}: --rerun-changed makes them again, --mixed keeps them as they are"
        )
    for stage in stages:
        # Two arms may have a run in common.
        of_stage = {run.configuration.run_id: run for run in planned.runs if run.configuration.stage == stage}
        # A record that is made again stays until its successor replaces it.
        again = made_again(of_stage, ledger, changed, retry_errors=retry_errors, old=old)
        wanted = [run for run_id, run in of_stage.items() if run_id not in ledger or run_id in again]
        if not wanted:
            continue
        ran = True
        kept = len(of_stage) - len(wanted)
        what = f"{frozen.study} ({frozen.scale}{', search' if stage == 'search' else ''})"
        console.print(f"{what}: {len(of_stage)} runs, {kept} already done, {len(wanted)} to run", highlight=False)
        ending = _run(frozen, folder, plugins, resources, console, wanted, kept, data_folder)
        spent += ending.processor_seconds
        if not ending.complete:
            return ending
        # The search's winners decide what is evaluated.
        planned = RunList.of(frozen, ledger)
        if old == "rerun":
            changed = runs_of_other_code(planned, ledger, plugins)
    if not ran:
        console.print(f"{frozen.study}: nothing to run, all {len(planned.runs)} runs are done", highlight=False)
    return Ending(ran, processor_seconds=spent)


def made_again(
    run_ids: Iterable[str], ledger: Ledger, changed: OtherCode, *, retry_errors: bool, old: Old
) -> frozenset[str]:
    """Return which finished runs are run again, as :func:`run_missing` is asked to.

    Raises:
        InputError: a record is damaged.
    """
    return frozenset(
        run_id
        for run_id in run_ids
        if run_id in ledger
        and ((old == "rerun" and run_id in changed.runs) or (retry_errors and ledger.read(run_id)["status"] in RETRIED))
    )


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
    try:
        from studies.running.schedule import execute_all
    except ImportError as error:
        raise MachineError(f"Ray cannot be loaded ({error}); python -m studies doctor says what is missing") from None

    # Here rather than in every worker at once.
    prepare()

    total = kept + len(wanted)
    arms = {run.configuration.run_id: run.arm for run in wanted}
    with silenced(console), RunProgress(console, frozen.study, arms) as progress:

        def keep(record: dict[str, object]) -> None:
            # Not before the first record: a cluster that cannot be joined leaves nothing behind.
            if progress.done == 0:
                freeze(frozen, folder)
            ledger.add({**record, "design_hash": frozen.design_hash})
            progress.update(record)

        try:
            outcome = execute_all(configurations, datasets, plugins, resources, keep)
        except OSError as error:
            done = total - len(ledger.missing(arms))
            where = error.filename2 or error.filename or folder.path
            raise MachineError(
                f"{where}: {error.strerror or error}; {done} of {total} runs are kept, the same command runs the rest"
            ) from None
    if outcome.interrupted:
        done = total - len(ledger.missing(arms))
        console.print(f"interrupted: {done} of {total} runs are kept, the same command runs the rest")
        return Ending(ran=True, interrupted=True)
    if outcome.lost:
        for run_id, reason in outcome.lost.items():
            console.print(f"lost: run {run_id}: {reason}", highlight=False, markup=False, soft_wrap=True)
        console.print("lost runs have no record; the same command runs them again")
        return Ending(ran=True, lost=True)
    return Ending(ran=True, processor_seconds=outcome.processor_seconds)
