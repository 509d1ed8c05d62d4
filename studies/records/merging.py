"""Takes over finished runs from another results folder of the same study."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import InputError
from studies.records.folder import ResultsFolder


@dataclass(frozen=True)
class Merged:
    """What became of another folder's runs.

    Attributes:
        added: how many were taken over.
        there: how many were there already, and stay as they are.
        networks: how many kept networks were taken over, of runs of both kinds.
        damaged: what is wrong with each record or network that cannot be read; they are left out.
    """

    added: int
    there: int
    networks: int
    damaged: tuple[str, ...]


def folder_at(path: Path) -> ResultsFolder:
    """Return the results folder at ``RESULTS/NAME``."""
    # Not by resolve, which a loop of links makes raise.
    whole = Path(os.path.realpath(path))
    return ResultsFolder(whole.parent, whole.name)


def merge(into: Path, source: Path) -> Merged:
    """Add the runs of one results folder, and their kept networks, to another of the same study.

    Nothing else is written. A run that is there gets a network that it lacks, if it is that of its record.

    A folder that is not there yet gets the design of ``source`` too.

    Raises:
        InputError: ``source`` holds no study, or another one than ``into``, or a driver is writing to ``into``.
    """
    ours, theirs = folder_at(into), folder_at(source)
    if ours.path == theirs.path:
        raise InputError(f"{source}: is the folder itself")
    frozen = theirs.frozen()
    if ours.path.name != frozen.design.study:
        raise InputError(f"{into}: runs of {frozen.design.study} go to a folder of that name, as in results/NAME")
    with ours.locked():
        if (ours.path / "study.json").exists():
            ours.frozen()
        else:
            ours.freeze(frozen)
        return _taken_over(ours, theirs)


def _taken_over(ours: ResultsFolder, theirs: ResultsFolder) -> Merged:
    added = there = networks = 0
    damaged: list[str] = []
    for file in sorted((theirs.path / "runs").glob("*.json")):
        run_id = file.stem
        known = run_id in ours.ledger
        try:
            record = theirs.ledger.read(run_id) if not known else {}
            if run_id in theirs.networks and not (known and run_id in ours.networks):
                networks += _network_taken_over(ours, theirs, ours.ledger.read(run_id) if known else record, damaged)
            if not known:
                ours.ledger.add(record)
        except InputError as error:
            damaged.append(str(error))
        else:
            added, there = added + (not known), there + known
    return Merged(added, there, networks, tuple(damaged))


def _network_taken_over(
    ours: ResultsFolder, theirs: ResultsFolder, record: Mapping[str, Any], damaged: list[str]
) -> bool:
    """Copy the network of a record, which comes before the record; one that is damaged is named instead."""
    try:
        network = theirs.networks.read(record)
    except InputError as error:
        damaged.append(str(error))
        return False
    ours.networks.put(record["run_id"], network.content())
    return True
