"""What ``run --dry-run`` prints: how many runs there are in each setting, and how long they take."""

import os
from collections import Counter
from collections.abc import Iterable, Sequence, Set
from typing import Any

from core import data
from core.architecture import Architecture
from studies.cli import output
from studies.design.configuration import Configuration
from studies.design.runs import PlannedRun, RunList, most_runs
from studies.formatting import duration, megabytes, share
from studies.launch.choices import Launch
from studies.records.folder import ResultsFolder
from studies.records.ledger import Ledger
from studies.running import estimate
from studies.running.other_code import runs_of_other_code
from studies.running.runner import again_for_networks, made_again, without_network


def print_plan(launch: Launch, folder: ResultsFolder, *, every_run: bool) -> None:
    """Print the runs of a study setting by setting, or one by one, and an estimate of the time they take."""
    # To be run until it is decided, it has the most runs at its last look.
    frozen, plugins = launch.designs[-1], launch.plugins
    planned = RunList.of(frozen, folder.ledger)
    changed = runs_of_other_code(planned, folder.ledger, plugins)
    run_ids = [run.configuration.run_id for run in planned.runs]
    again = made_again(run_ids, folder.ledger, changed, retry_errors=launch.retry_errors, old=launch.old)
    bare = without_network(run_ids, folder, again) if launch.keep_networks else frozenset()
    kept = _Kept(folder.ledger, again | bare)
    configurations = list({run.configuration.run_id: run.configuration for run in planned.runs}.values())
    if every_run:
        _print_runs(planned.runs, kept)
    else:
        _print_settings(configurations, kept)
    total = f"{len(configurations)} runs"
    if planned.search and not planned.winners:
        # The winners' runs are not known yet, but how many there can be; the study's own settings stand in for them.
        combinations = frozen.combinations()
        unknown_runs = most_runs(frozen) - len(planned.search)
        seeds = range(unknown_runs // len(combinations))
        configurations += [
            frozen.configuration(setting, arm, "evaluate", seed) for seed in seeds for setting, arm in combinations
        ]
        total = f"{len(planned.search)} runs of the search and up to {unknown_runs} of its winners"
    missing = len(kept.missing(configuration.run_id for configuration in configurations))
    at_once = launch.resources.cpus or os.cpu_count() or 1
    try:
        seconds = estimate.seconds(configurations, kept, plugins, at_once, launch.data_folder)
        time = f": about {duration(seconds)} with {at_once} at once"
    except estimate.NoDataError as error:
        size = megabytes(data.find(str(error))[0].size)
        time = f"; the time cannot be estimated, since the data of {error} is not there yet: the run downloads {size}"
    warning = f"; {changed.sentence()}" if changed else ""
    output.console.print(f"{total}, {missing} to run{time}{warning}", soft_wrap=True)
    if bare:
        output.console.print(again_for_networks(len(bare)), soft_wrap=True)
    if launch.keep_networks:
        taken = estimate.network_bytes(configurations, plugins) / 1e6
        output.console.print(f"kept networks: about {taken:.3g} MB in {folder.networks.folder}", soft_wrap=True)


class _Kept(Ledger):
    """The finished runs without those that are made again."""

    def __init__(self, ledger: Ledger, again: Set[str]) -> None:
        self._ledger, self._again = ledger, again

    def __contains__(self, run_id: str) -> bool:
        return run_id not in self._again and run_id in self._ledger

    def read(self, run_id: str) -> dict[str, Any]:
        return self._ledger.read(run_id)


def _print_settings(configurations: Iterable[Configuration], ledger: Ledger) -> None:
    kinds = [
        (entry.stage, entry.dataset, Architecture.parse(entry.network, 1, 1).short, share(entry.target_density))
        for entry in configurations
    ]
    done = Counter(kind for kind, entry in zip(kinds, configurations, strict=True) if entry.run_id in ledger)
    names = ("stage", "dataset", "network", "τ", "runs", "done", "to run")
    # What does not fit is the network, if anything.
    table = output.table(*names, whole=frozenset(names) - {"network"})
    for kind, runs in Counter(kinds).items():
        table.add_row(*kind, str(runs), str(done[kind]), str(runs - done[kind]))
    output.console.print(table)


def _print_runs(planned: Sequence[PlannedRun], ledger: Ledger) -> None:
    """Print a line for each run, with all arms that share it."""
    arms: dict[str, list[str]] = {}
    for run in planned:
        arms.setdefault(run.configuration.run_id, []).append(run.arm)
    for run_id, entry in {run.configuration.run_id: run.configuration for run in planned}.items():
        state = "done" if run_id in ledger else "to run"
        where = f"{entry.dataset} {entry.network} {entry.target_density:.4g}"
        line = f"{run_id} {state}: {entry.stage}, {' and '.join(arms[run_id])}, {where} seed {entry.seed}"
        output.console.print(line, soft_wrap=True)
