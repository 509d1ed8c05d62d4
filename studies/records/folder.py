"""The folder of one study's results: its frozen design, its ledger, and what is derived from them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from core.errors import InputError
from studies.design.freezing import FrozenStudy
from studies.design.plain import structured
from studies.formatting import printable
from studies.records.environment import Environment
from studies.records.files import from_json, remove_unfinished, write_atomically
from studies.records.ledger import Ledger
from studies.records.networks import Networks


@dataclass(frozen=True)
class Frozen:
    """What ``study.json`` holds.

    Attributes:
        design: what is run.
        environment: where it was frozen: versions, device, commit.
        runs: from which code, versions and machines its runs are, in sentences; empty as long as it is not finished.
    """

    design: FrozenStudy
    environment: Mapping[str, Any]
    runs: Sequence[str] = ()


class ResultsFolder:
    """The folder ``RESULTS/NAME`` of one study."""

    def __init__(self, results: Path, study: str) -> None:
        self.path = results / study
        self.ledger = Ledger(self.path / "runs")
        self.networks = Networks(self.path / "networks")
        self._study = study

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder, and keep every other driver from writing to it inside the ``with`` statement.

        Raises:
            InputError: it or the ledger cannot be a folder, or another driver is writing to it.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, FileNotFoundError, NotADirectoryError) as error:
            raise InputError(f"{self.path}: cannot be made a folder: {error.strerror}") from None
        for name, what in (("runs", "the records of runs"), ("networks", "the networks of runs")):
            place = self.path / name
            if place.exists() and not place.is_dir():
                raise InputError(f"{place}: is no folder, in which {what} are kept")
        try:
            lock = FileLock(self.path / ".lock", timeout=0).acquire()
        except Timeout:
            raise InputError(
                f"{self.path}: another run is writing there; wait for it or choose another --results"
            ) from None
        with lock:
            remove_unfinished(self.path)
            yield

    def freeze(self, frozen: Frozen) -> None:
        """Write ``study.json``."""
        design = frozen.design
        content = {
            "design": design.as_dict(),
            "design_hash": design.design_hash,
            "environment": frozen.environment,
            "runs": frozen.runs,
        }
        write_atomically(self.path / "study.json", json.dumps(content, indent=1) + "\n")

    def frozen(self) -> Frozen:
        """Read ``study.json``.

        Raises:
            InputError: the study has not been run here, or the file is damaged.
        """
        path = self.path / "study.json"
        try:
            content = from_json(path.read_text(encoding="utf-8"))
            design = FrozenStudy.from_dict(content["design"])
            environment = asdict(structured(Environment, content["environment"]))
            frozen = Frozen(design, environment, tuple(map(str, content.get("runs", ()))))
            stated, found = content["design_hash"], design.design_hash
        except (FileNotFoundError, NotADirectoryError):
            raise InputError(f"{path}: not there; python -m studies run {self._study} makes it") from None
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise InputError(f"{path}: not a readable study: {type(error).__name__}: {printable(str(error))}") from None
        again = f"python -m studies run {self._study}, with the options that began it, makes it again"
        if design.study != self._study:
            raise InputError(f"{path}: is of the study {design.study!r}, expected {self._study!r}; {again}")
        if found != stated:
            raise InputError(f"{path}: was changed: its design has the hash {found}, not {stated} as it says; {again}")
        return frozen
