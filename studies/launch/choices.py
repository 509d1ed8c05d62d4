"""What a user chooses of a run, checked as a whole, and made ready to be run."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import strategies
from core.errors import InputError, unknown
from studies import catalogue
from studies.design.freezing import FrozenStudy
from studies.design.override import override
from studies.design.study import SCALES, Scale
from studies.launch.sweeps import changed, searched
from studies.own.plugins import read_plugins
from studies.running.resources import Resources
from studies.running.runner import Old

_MOST_CPUS = 100_000


@dataclass(frozen=True)
class Choices:
    """What a user chooses of a run: the options of ``python -m studies run``.

    Attributes:
        scale: how much to run.
        strategies: only these strategies or arms: their names, or one text with commas between them; None for all.
        seeds: evaluation seeds; None for the study's.
        points: configurations that a search tries.
        tuning_seeds: seeds per configuration in a search.
        searches: independent repetitions of a search.
        assignments: ``KEY=VALUE``, as ``--set`` takes them.
        dataset: in place of the study's own.
        data_folder: where files of datasets that are not embedded are; None downloads them.
        plugins: strategy files of the user's own.
        address: of a Ray cluster.
        cpus: runs at once on this machine; None for all processors.
        gpus_per_trial: share of a GPU per run.
        retry_errors: run those again that ended in an error of the code or a timeout.
        rerun_changed: run those again that were made by other code than today's.
        mixed: keep them beside new ones.
        time_limit: seconds that a run may take.
        memory_limit: GB of memory that a run may take.
        until_decided: add seeds, or searches, from look to look until every primary contrast is decided.
        develop: test on development examples.
        keep_networks: keep each trained network.
    """

    scale: Scale = "default"
    strategies: str | Sequence[str] | None = None
    seeds: int | None = None
    points: int | None = None
    tuning_seeds: int | None = None
    searches: int | None = None
    assignments: tuple[str, ...] = ()
    dataset: str | None = None
    data_folder: Path | None = None
    plugins: tuple[Path, ...] = ()
    address: str | None = None
    cpus: int | None = None
    gpus_per_trial: float = 0.0
    retry_errors: bool = False
    rerun_changed: bool = False
    mixed: bool = False
    time_limit: float | None = None
    memory_limit: float | None = None
    until_decided: bool = False
    develop: bool = False
    keep_networks: bool = False


@dataclass(frozen=True)
class Launch:
    """A study that is ready to be run.

    Attributes:
        designs: the study, or, to run it until it is decided, the study at one look after the other.
        plugins: strategies from outside.
        resources: where to run.
        retry_errors: see :func:`studies.running.runner.run_missing`.
        old: see there.
        data_folder: see there.
        keep_networks: see there.
    """

    designs: tuple[FrozenStudy, ...]
    plugins: tuple[strategies.Plugin, ...]
    resources: Resources
    retry_errors: bool = False
    old: Old = "refuse"
    data_folder: Path | None = None
    keep_networks: bool = False


def prepare(name: str, choices: Choices) -> Launch:
    """Check what a user has chosen of a study's run, and freeze it.

    Raises:
        InputError: a choice is not possible, by itself or together with another; the message names it by its option on
            the command line.
    """
    _check(choices)
    plugins = read_plugins(choices.plugins)
    sweep = changed(catalogue.find(name).at(choices.scale), choices.strategies, choices.seeds, choices.dataset, plugins)
    sizes = {"points": choices.points, "seeds": choices.tuning_seeds, "searches": choices.searches}
    sweep = searched(name, sweep, sizes)
    if choices.develop:
        sweep = replace(sweep, test_split="development")
    sweep = override(sweep, choices.assignments, plugins)
    frozen = FrozenStudy.freeze(name, choices.scale, sweep, plugins)
    if choices.rerun_changed and choices.mixed:
        raise InputError("--rerun-changed and --mixed: choose one of them")
    most = None if choices.memory_limit is None else int(choices.memory_limit * 1e9)
    resources = Resources(choices.cpus, choices.gpus_per_trial, choices.address, choices.time_limit, most)
    resources.check()
    designs: tuple[FrozenStudy, ...] = (frozen,)
    if choices.until_decided:
        _check_decidable(name, frozen, choices)
        at_looks = map(sweep.with_units, frozen.sweep.looks)
        designs = tuple(FrozenStudy.freeze(name, choices.scale, at_look, plugins) for at_look in at_looks)
    old: Old = "rerun" if choices.rerun_changed else "keep" if choices.mixed else "refuse"
    return Launch(designs, plugins, resources, choices.retry_errors, old, choices.data_folder, choices.keep_networks)


def _check_decidable(name: str, frozen: FrozenStudy, choices: Choices) -> None:
    units = frozen.protocol.unit_name
    if getattr(choices, units) is not None:
        raise InputError(f"--until-decided and --{units}: the study's looks say how many {units}; choose one of them")
    if choices.develop:
        raise InputError(
            "--until-decided and --develop: runs on development examples decide nothing; choose one of them"
        )
    if not frozen.protocol.contrasts:
        raise InputError(f"--until-decided: {name} has no primary contrasts here, so there is nothing to decide")


def _check(choices: Choices) -> None:
    """Check what the command line checks when it reads its options, for whoever chooses in Python."""
    if choices.scale not in SCALES:
        raise unknown("scale", str(choices.scale), SCALES)
    for name in ("seeds", "points", "tuning_seeds", "searches"):
        value = getattr(choices, name)
        if value is not None and not _whole(value):
            raise InputError(f"{_option(name)}: {value!r} is not a whole number")
    if choices.cpus is not None and not (_whole(choices.cpus) and 1 <= choices.cpus <= _MOST_CPUS):
        raise InputError(f"{_option('cpus')}: {choices.cpus!r} is not a whole number in 1..{_MOST_CPUS}")
    for name, least in (("gpus_per_trial", 0.0), ("time_limit", None), ("memory_limit", None)):
        value = getattr(choices, name)
        if value is None:
            continue
        real = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not real or value < 0 or (least is None and value == 0):
            raise InputError(f"{_option(name)}: {value!r} is not a number {'from' if least == 0 else 'above'} 0")


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"
