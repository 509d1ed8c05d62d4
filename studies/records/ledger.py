"""The ledger of a study: one atomically written file per finished run."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from core.errors import InputError
from studies.formatting import printable
from studies.records.files import from_json, write_atomically
from studies.records.schema import problem

# Letters of what is said of a damaged record.
MOST_SAID = 500


class Ledger:
    """Finished runs in a folder, by run id. Only the driver writes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __contains__(self, run_id: str) -> bool:
        return self._path(run_id).is_file()

    def add(self, record: Mapping[str, Any]) -> None:
        """Write one run's record under its ``run_id``.

        Raises:
            ValueError: the record does not fit :class:`studies.records.schema.Record`.
        """
        wrong = problem(record)
        if wrong is not None:
            raise ValueError(f"record {record.get('run_id')}: {wrong}")
        # A line for each field; Python indents what is deeper in no less time than a tiny run takes to schedule.
        lines = (f" {json.dumps(name)}: {json.dumps(value, allow_nan=False)}" for name, value in record.items())
        write_atomically(self._path(record["run_id"]), "{\n" + ",\n".join(lines) + "\n}\n")

    def read(self, run_id: str) -> dict[str, Any]:
        """Return the record of a finished run.

        Raises:
            InputError: the run is not finished, or its file was damaged or holds another run's record.
            OSError: the file cannot be read, which does not mean that it is damaged.
        """
        path = self._path(run_id)
        try:
            record: dict[str, Any] = from_json(path.read_text(encoding="utf-8"))
            wrong = problem(record) if isinstance(record, dict) else "it holds no record"
            if wrong is None and record["run_id"] != run_id:
                wrong = f"it holds the record of run {record['run_id']}"
        except FileNotFoundError:
            wrong = "it is not there"
        except (ValueError, RecursionError) as error:
            wrong = str(error)
        if wrong is not None:
            said = printable(wrong)[:MOST_SAID]
            raise InputError(f"{path}: not a readable record ({said}); delete it to run it again")
        return record

    def missing(self, run_ids: Iterable[str]) -> list[str]:
        """Return those of ``run_ids`` that are not finished, in order."""
        return [run_id for run_id in run_ids if run_id not in self]

    def _path(self, run_id: str) -> Path:
        return self._folder / f"{run_id}.json"
