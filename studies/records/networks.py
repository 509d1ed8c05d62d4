"""The kept networks of a study: one file for each finished run whose network is kept."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from core.errors import InputError
from studies.records.kept_network import KeptNetwork, write

_REMEDY = "delete it, and run with --keep-networks makes it again"


class Networks:
    """Kept networks in a folder, by run id. Only the driver writes.

    Attributes:
        folder: where they are; it need not be there yet.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __contains__(self, run_id: str) -> bool:
        return self.path(run_id).is_file()

    def put(self, run_id: str, content: bytes | None) -> None:
        """Write the network of a run in place of one that is there; None removes that.

        It is put before the record, so that whatever is finished has its network, and its own.

        Raises:
            OSError: it cannot be written; nothing of it is left.
        """
        if content is not None:
            write(self.path(run_id), content)
        elif run_id in self:
            self.path(run_id).unlink()

    def read(self, record: Mapping[str, Any]) -> KeptNetwork:
        """Return the network of a finished run.

        Args:
            record: of the run.

        Raises:
            InputError: there is none, it was damaged, or it is not that of the record.
            OSError: it cannot be read, which does not mean that it is damaged.
        """
        run_id = record["run_id"]
        path = self.path(run_id)
        kept = KeptNetwork.read(path, _REMEDY)
        found = kept.description
        if found.configuration.run_id != run_id:
            raise InputError(f"{path}: holds the network of run {found.configuration.run_id}; delete it")
        of_record = record.get("test_error"), record.get("test_loss")
        if not self.belongs_to(record) or (found.test_error, found.test_loss) != of_record or found.continued:
            raise InputError(
                f"{path}: is not the network of that record, but one with the test error {found.test_error}; {_REMEDY}"
            )
        return kept

    def missing(self, records: Iterable[Mapping[str, Any]]) -> list[str]:
        """Return the ids of those runs that should have a network, and whose network is not kept.

        Raises:
            InputError: one that is kept was damaged, or is not that of its record.
        """
        lacking = []
        for record in filter(self.belongs_to, records):
            if record["run_id"] in self:
                self.read(record)
            else:
                lacking.append(record["run_id"])
        return lacking

    @staticmethod
    def belongs_to(record: Mapping[str, Any]) -> bool:
        """Whether a network belongs to a record: that of a run that ended well on an evaluation seed."""
        return bool(record["status"] == "ok" and record["config"]["stage"] == "evaluate")

    def path(self, run_id: str) -> Path:
        """Return where the network of a run is, or would be."""
        return self.folder / f"{run_id}.safetensors"
