"""Runs what is missing of a frozen study, and keeps every record as soon as it is there."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

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
from studies.running.verify import Finished, Verified, compare

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
        other_networks: whether finished runs came out otherwise when they were run again for their networks.
        processor_seconds: what the runs took, without what it took to schedule them.
    """

    ran: bool = False
    interrupted: bool = False
    lost: bool = False
    other_networks: bool = False
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
    keep_networks: bool = False,
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
        keep_networks: keep the trained network of every run on an evaluation seed. Finished runs without one are run
            again, and their records stay: a run that does not come out as recorded has no network.

    Raises:
        InputError: the data is missing, the cluster cannot be joined, there are runs of other code and ``old`` is
            ``refuse``, or a kept network is damaged.
        MachineError: a record or a network cannot be written, or Ray cannot be started.
    """
    ledger = folder.ledger
    stages: tuple[Stage, ...] = ("search", "evaluate")
    ran, others, spent = False, False, 0.0
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
        bare = without_network(of_stage, folder, again) if keep_networks else frozenset()
        wanted = [run for run_id, run in of_stage.items() if run_id not in ledger or run_id in again | bare]
        if not wanted:
            continue
        ran = True
        kept = len(of_stage) - len(wanted)
        what = f"{frozen.study} ({frozen.scale}{', search' if stage == 'search' else ''})"
        console.print(f"{what}: {len(of_stage)} runs, {kept} already done, {len(wanted)} to run", highlight=False)
        if bare:
            console.print(again_for_networks(len(bare)), highlight=False, soft_wrap=True)
        ending = _run(
            frozen, folder, plugins, resources, console, wanted, kept, data_folder, bare, keep_networks=keep_networks
        )
        spent += ending.processor_seconds
        others |= ending.other_networks
        if not ending.complete:
            return ending
        # The search's winners decide what is evaluated.
        planned = RunList.of(frozen, ledger)
        if old == "rerun":
            changed = runs_of_other_code(planned, ledger, plugins)
    if not ran:
        console.print(f"{frozen.study}: nothing to run, all {len(planned.runs)} runs are done", highlight=False)
    return Ending(ran, other_networks=others, processor_seconds=spent)


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


def without_network(run_ids: Iterable[str], folder: ResultsFolder, again: Container[str]) -> frozenset[str]:
    """Return which finished runs are run again for nothing but their networks.

    Args:
        run_ids: to look among.
        folder: where records and networks are kept.
        again: runs that are made again anyway.

    Raises:
        InputError: a record or a network is damaged.
    """
    finished = (run_id for run_id in run_ids if run_id in folder.ledger and run_id not in again)
    return frozenset(folder.networks.missing(map(folder.ledger.read, finished)))


def again_for_networks(number: int) -> str:
    """Say that so many finished runs are run again for their networks."""
    which = "1 finished run has" if number == 1 else f"{number} finished runs have"
    return f"{which} no network kept: run again for it, which must come out as recorded to the last digit"


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
    bare: frozenset[str],
    *,
    keep_networks: bool,
) -> Ending:
    """Run the missing runs of a stage; ``kept`` are done already, and of ``bare`` nothing but the networks is."""
    ledger, networks = folder.ledger, folder.networks
    others: list[Verified] = []
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
    by_id = {run.configuration.run_id: run for run in wanted}
    arms = {run_id: run.arm for run_id, run in by_id.items()}
    with silenced(console), RunProgress(console, frozen.study, arms) as progress:

        def keep(record: dict[str, Any], network: bytes | None) -> None:
            # Not before the first record: a cluster that cannot be joined leaves nothing behind.
            if progress.done == 0:
                freeze(frozen, folder)
            run_id = record["run_id"]
            if keep_networks and network is None and networks.belongs_to(record):
                raise MachineError(f"run {run_id}: its network did not come back; the same command runs it again")
            if run_id in bare:
                found = compare(Finished(by_id[run_id].configuration, arms[run_id], ledger.read(run_id)), record)
                if not found.identical:
                    others.append(found)
                else:
                    networks.put(run_id, network)
            else:
                networks.put(run_id, network)
                ledger.add({**record, "design_hash": frozen.design_hash})
            progress.update(record)

        def still_missing() -> int:
            return sum(run_id not in ledger or (run_id in bare and run_id not in networks) for run_id in arms)

        try:
            outcome = execute_all(configurations, datasets, plugins, resources, keep, keep_networks=keep_networks)
        except OSError as error:
            done = total - still_missing()
            where = error.filename2 or error.filename or folder.path
            raise MachineError(
                f"{where}: {error.strerror or error}; {done} of {total} runs are kept, the same command runs the rest"
            ) from None
    for verified in others:
        console.print(f"no network kept: {verified.sentence()}", highlight=False, markup=False, soft_wrap=True)
    if others:
        console.print(
            "their records stay; --rerun-changed makes those anew that other code has made, and a run whose record is "
            "deleted is run anew",
            soft_wrap=True,
        )
    if outcome.interrupted:
        done = total - still_missing()
        console.print(f"interrupted: {done} of {total} runs are kept, the same command runs the rest")
        return Ending(ran=True, interrupted=True)
    if outcome.lost:
        for run_id, reason in outcome.lost.items():
            console.print(f"lost: run {run_id}: {reason}", highlight=False, markup=False, soft_wrap=True)
        console.print("lost runs have no record; the same command runs them again")
        return Ending(ran=True, lost=True)
    return Ending(ran=True, other_networks=bool(others), processor_seconds=outcome.processor_seconds)
