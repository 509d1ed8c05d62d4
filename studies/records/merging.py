"""Takes over finished runs from another results folder of the same study."""

import os
from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError
from studies.records.folder import ResultsFolder
from studies.records.ledger import Ledger


@dataclass(frozen=True)
class Merged:
    """What became of another folder's runs.

    Attributes:
        added: how many were taken over.
        there: how many were there already, and stay as they are.
        damaged: what is wrong with each of those that cannot be read; they are left out.
    """

    added: int
    there: int
    damaged: tuple[str, ...]


def folder_at(path: Path) -> ResultsFolder:
    """Return the results folder at ``RESULTS/NAME``."""
    # Not by resolve, which a loop of links makes raise.
    whole = Path(os.path.realpath(path))
    return ResultsFolder(whole.parent, whole.name)


def merge(into: Path, source: Path) -> Merged:
    """Add the runs of one results folder to another of the same study; nothing else is written.

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
        return _taken_over(ours.ledger, theirs)


def _taken_over(ledger: Ledger, theirs: ResultsFolder) -> Merged:
    added = there = 0
    damaged = []
    for file in sorted((theirs.path / "runs").glob("*.json")):
        if file.stem in ledger:
            there += 1
            continue
        try:
            ledger.add(theirs.ledger.read(file.stem))
        except InputError as error:
            damaged.append(str(error))
        else:
            added += 1
    return Merged(added, there, tuple(damaged))
