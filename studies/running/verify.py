"""Whether finished runs come out again as they are recorded.

A run is a function of its configuration, the code, the versions of what that stands on, and the machine. Where all four
are the same, a record has to be the same to the last bit. Where code, versions or machine differ, sums are taken in
another order, and training carries the last bit of a sum to the first digits of a loss: there a run agrees if its
status is the same and either every number is within ``RELATIVE`` or its error is within ``ERROR``. Times and the name
of the machine are never compared.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

import strategies
from core import data
from core.data import Dataset
from core.errors import InputError
from studies.design.configuration import Configuration
from studies.design.freezing import FrozenStudy
from studies.design.runs import RunList
from studies.formatting import percent
from studies.metric import BITS, PERCENT, Unit, size_text, unit_of
from studies.records import provenance
from studies.records.ledger import Ledger
from studies.running.child import Child, EndedError
from studies.running.resources import Resources

# Of every number, relative to the larger of the two; what is nearer to 0 than ``NOTHING`` is 0.
RELATIVE: Final = 1e-3
NOTHING: Final = 1e-9
# Of the test error, or of the validation error in a search: half a percentage point, or a twentieth of a bit.
ERROR: Final[Mapping[Unit, float]] = {PERCENT: 0.005, BITS: 0.05}
# What the machine of the moment decides, and no rerun can confirm.
NOT_OF_THE_RUN: Final = frozenset({"timeout", "died"})
# Not of the run: when the study was frozen, and where and by what the run was executed, which is compared by itself.
_ORIGIN: Final = ("code", "versions", "host")
_NOT_COMPARED: Final = frozenset({*_ORIGIN, "design_hash"})
_OTHER: Final = {
    "suite": "other kernels, core or trial",
    "strategy": "another source of its strategy",
    "measurements": "other measurements",
    "unrecorded": "code that was not recorded",
}
# Differences that a line names.
_MOST_NAMED: Final = 3


@dataclass(frozen=True)
class Finished:
    """A finished run.

    Attributes:
        configuration: of it.
        arm: the first that it was run for.
        record: as it was read.
    """

    configuration: Configuration
    arm: str
    record: Mapping[str, Any]


@dataclass(frozen=True)
class Verified:
    """What became of a run that was executed again.

    Attributes:
        run: as it was finished.
        agrees: whether the two records say the same.
        identical: whether they do to the last bit.
        words: how far they agree, or in what they differ.
        origin: what of its code, versions and machine was other than today's; empty if nothing.
    """

    run: Finished
    agrees: bool
    identical: bool
    words: str
    origin: str

    def sentence(self) -> str:
        """Say it in one line."""
        configuration = self.run.configuration
        setting = (
            f"{configuration.dataset} {configuration.network} density {configuration.target_density:.3g} "
            f"seed {configuration.seed}"
        )
        made = f" (made with {self.origin})" if self.origin else ""
        return f"{configuration.run_id} {self.run.arm}, {setting}: {self.words}{made}"


def finished_runs(frozen: FrozenStudy, ledger: Ledger) -> list[Finished]:
    """Return the finished runs of a study, in its order, but those that the machine of the moment ended.

    Raises:
        InputError: there is none, or a record is damaged.
    """
    runs = {run.configuration.run_id: run for run in RunList.of(frozen, ledger).runs}
    missing = frozenset(ledger.missing(runs))
    found = [
        Finished(run.configuration, run.arm, ledger.read(run_id))
        for run_id, run in runs.items()
        if run_id not in missing
    ]
    kept = [run for run in found if run.record["status"] not in NOT_OF_THE_RUN]
    if not kept:
        ended = f"but {len(found)} that ran out of time or memory" if found else "yet"
        raise InputError(f"{frozen.study}: no run is finished {ended}, so there is nothing to verify")
    return kept


def sample(runs: Sequence[Finished], most: int | None, root_seed: int) -> list[Finished]:
    """Return so many of the runs, in their order, or all of them for None; the same ones whenever it is asked again."""
    if most is None or most >= len(runs):
        return list(runs)
    generator = np.random.default_rng(root_seed)
    chosen = generator.choice(len(runs), size=most, replace=False)
    return [runs[place] for place in sorted(chosen)]


def verify(
    runs: Sequence[Finished], plugins: tuple[strategies.Plugin, ...], data_folder: Path | None = None
) -> Iterator[Verified]:
    """Execute runs again, one at a time in a process beside this one, and compare their records.

    Args:
        runs: what to execute.
        plugins: strategies from outside.
        data_folder: where the files of datasets that are not embedded are; None takes downloaded ones.

    Raises:
        InputError: a strategy is not there, or a dataset would have to be downloaded; before anything is executed.
    """
    for run in runs:
        strategies.find(run.configuration.strategy, plugins)
    datasets = {name: _dataset(name, data_folder) for name in {run.configuration.dataset for run in runs}}
    return _verify(runs, plugins, datasets)


def _verify(
    runs: Sequence[Finished], plugins: tuple[strategies.Plugin, ...], datasets: Mapping[str, Dataset]
) -> Iterator[Verified]:
    children: dict[str, Child] = {}
    try:
        for run in runs:
            device = _device(run.record)
            if device not in children:
                children[device] = Child(datasets, plugins, device, Resources(cpus=1).limits())
            try:
                again = children[device].execute(run.configuration)
            except EndedError as error:
                yield Verified(run, False, False, f"differs: it {error.status}: {error}", "")
                continue
            yield compare(run, again)
    finally:
        for child in children.values():
            child.close()


def compare(run: Finished, again: Mapping[str, Any]) -> Verified:
    """Compare the record of a finished run with that of another execution."""
    record = run.record
    origin = _origin(record, again)
    differences = list(_differences(_compared(record), _compared(again)))
    if not differences:
        return Verified(run, True, True, "identical", origin)
    if origin and record["status"] == again["status"]:
        if all(_near(one, other) for _, one, other in differences):
            return Verified(run, True, False, f"every number within {percent(RELATIVE)}", origin)
        key = "test_error" if run.configuration.stage == "evaluate" else "validation_error"
        dataset = run.configuration.dataset
        near = ERROR[unit_of(dataset)]
        if key in record and key in again and abs(record[key] - again[key]) <= near:
            words = f"{key} {record[key]:.4f} is {again[key]:.4f}, within {size_text(dataset, near)}"
            return Verified(run, True, False, words.replace("_", " "), origin)
    named = "; ".join(f"{where} {_shown(one)} is {_shown(other)}" for where, one, other in differences[:_MOST_NAMED])
    more = f"; and {len(differences) - _MOST_NAMED} more" if len(differences) > _MOST_NAMED else ""
    return Verified(run, False, False, f"differs: {named}{more}", origin)


def _dataset(name: str, data_folder: Path | None) -> Dataset:
    dataset = data.load_if_there(name, data_folder)
    if dataset is None:
        raise InputError(f"dataset {name}: it would have to be downloaded; give its files with --data DIR")
    return dataset


def _device(record: Mapping[str, Any]) -> str:
    """Where a run was trained, if this machine has such a device."""
    host = record.get("host") or {"device": "cpu"}
    return "cuda" if host["device"] != "cpu" and torch.cuda.is_available() else "cpu"


def _origin(record: Mapping[str, Any], again: Mapping[str, Any]) -> str:
    """Say what of code, versions and machine was other than today's; empty if nothing."""
    parts = [_OTHER[part] for part in provenance.differences(record, again["code"])]
    if record.get("versions") != again["versions"]:
        parts.append("other versions" if record.get("versions") else "versions that were not recorded")
    if record.get("host") != again["host"]:
        parts.append("another machine" if record.get("host") else "a machine that was not recorded")
    return ", ".join(parts)


def _compared(value: Any) -> Any:
    """Return what of a record is compared: no times, and of a reason not where in a file it was raised."""
    if isinstance(value, Mapping):
        kept = {key: entry for key, entry in value.items() if "seconds" not in key and key not in _NOT_COMPARED}
        return {key: _where_left_out(entry) if key == "reason" else _compared(entry) for key, entry in kept.items()}
    if isinstance(value, list | tuple):
        return [_compared(entry) for entry in value]
    return value


def _where_left_out(reason: Any) -> Any:
    return re.sub(r" \([^()]*:\d+\)$", "", reason) if isinstance(reason, str) else reason


def _differences(one: Any, other: Any, where: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Give the place and both values of everything in which plain data differs."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in {**one, **other}:
            yield from _differences(one.get(key), other.get(key), f"{where}.{key}" if where else str(key))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for place, (entry, its) in enumerate(zip(one, other, strict=True)):
            yield from _differences(entry, its, f"{where}.{place}")
    elif one != other or type(one) is not type(other):
        yield where, one, other


def _near(one: Any, other: Any) -> bool:
    numbers = isinstance(one, int | float) and isinstance(other, int | float)
    return numbers and math.isclose(one, other, rel_tol=RELATIVE, abs_tol=NOTHING)


def _shown(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else "nothing" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
