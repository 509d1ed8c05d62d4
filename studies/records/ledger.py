"""The ledger of a study: one atomically written file per finished run."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from core.errors import InputError
from studies.records.files import write_atomically


class Ledger:
    """Finished runs in a folder, by run id. Only the driver writes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __contains__(self, run_id: str) -> bool:
        return self._path(run_id).is_file()

    def add(self, record: Mapping[str, Any]) -> None:
        """Write one run's record under its ``run_id``.

        Raises:
            ValueError: the record holds a number that is not finite, which JSON cannot.
        """
        write_atomically(self._path(record["run_id"]), json.dumps(record, indent=1, allow_nan=False) + "\n")

    def read(self, run_id: str) -> dict[str, Any]:
        """Return the record of a finished run.

        Raises:
            InputError: the run is not finished, or its file was damaged.
        """
        path = self._path(run_id)
        try:
            record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(record, dict):
                raise ValueError("it holds no record")
        except (OSError, ValueError) as error:
            raise InputError(f"{path}: not a readable record ({error}); delete it to run it again") from None
        return record

    def missing(self, run_ids: Iterable[str]) -> list[str]:
        """Return those of ``run_ids`` that are not finished, in order."""
        return [run_id for run_id in run_ids if run_id not in self]

    def _path(self, run_id: str) -> Path:
        return self._folder / f"{run_id}.json"
