"""The folder of one study's results: its frozen design, its ledger, and what is derived from them."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from core.errors import InputError
from studies.design.freezing import FrozenStudy
from studies.records.files import write_atomically
from studies.records.ledger import Ledger


@dataclass(frozen=True)
class Frozen:
    """What ``study.json`` holds.

    Attributes:
        design: what is run.
        environment: where it was frozen: versions, device, commit.
    """

    design: FrozenStudy
    environment: Mapping[str, Any]


class ResultsFolder:
    """The folder ``RESULTS/NAME`` of one study."""

    def __init__(self, results: Path, study: str) -> None:
        self.path = results / study
        self.ledger = Ledger(self.path / "runs")
        self._study = study

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Make the folder, and keep every other driver from writing to it inside the ``with`` statement.

        Raises:
            InputError: it cannot be made, or another driver is writing to it.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{self.path}: cannot be made a folder: {error.strerror}") from None
        try:
            lock = FileLock(self.path / ".lock", timeout=0).acquire()
        except Timeout:
            raise InputError(
                f"{self.path}: another run is writing there; wait for it or choose another --results"
            ) from None
        with lock:
            yield

    def freeze(self, frozen: Frozen) -> None:
        """Write ``study.json``."""
        design = frozen.design
        content = {"design": design.as_dict(), "design_hash": design.design_hash, "environment": frozen.environment}
        write_atomically(self.path / "study.json", json.dumps(content, indent=1) + "\n")

    def frozen(self) -> Frozen:
        """Read ``study.json``.

        Raises:
            InputError: the study has not been run here, or the file is damaged.
        """
        path = self.path / "study.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            return Frozen(FrozenStudy.from_dict(content["design"]), content["environment"])
        except FileNotFoundError:
            raise InputError(f"{path}: not there; python -m studies run {self._study} makes it") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{path}: not a readable study: {error!r}") from None
