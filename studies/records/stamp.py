"""Whether what was derived from a study's records is all there, and of today."""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Final, Self

from studies.records.files import write_atomically

NAME: Final = "derived.json"
# The ending of a folder's own tables, and of what lies in its two subfolders.
_DERIVED: Final = re.compile(r"[^/]{1,200}\.csv|(figures|tables)/[^/]{1,200}\.(csv|tex|pdf|png|svg)")
_ROOT: Final = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Stamp:
    """What derived files were made of, and which they are. It is written last, so that nothing half-made has one.

    Attributes:
        design: the hash of the frozen study.
        records: a hash of all its records.
        code: a hash of the code that derives.
        files: of every derived file its path in the study's folder and a hash of its content.
    """

    design: str
    records: str
    code: str
    files: Mapping[str, str]

    @classmethod
    def of(cls, design: str, records: Iterable[Mapping[str, Any]], folder: Path, files: Iterable[Path]) -> Self:
        """Return the stamp of derived files, as they are."""
        hashes = {str(file.relative_to(folder)): _hash([file.read_bytes()]) for file in files}
        return cls(design, records_hash(records), code_hash(), hashes)

    @classmethod
    def unfinished(cls, names: Iterable[str]) -> Self:
        """Return the stamp of derived files that are about to change: it holds for nothing, and names them all."""
        return cls("", "", "", dict.fromkeys(sorted(names), ""))

    @classmethod
    def read(cls, folder: Path) -> Self | None:
        """Return the stamp in a folder; None if there is none that can be read.

        What it names outside the places of derived files is left out: nothing else is ever deleted for its sake.
        """
        try:
            content = json.loads((folder / NAME).read_text(encoding="utf-8"))
            files = {name: value for name, value in dict(content["files"]).items() if _is_derived(name)}
            return cls(content["design"], content["records"], content["code"], files)
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None

    def with_files(self, folder: Path, files: Iterable[Path]) -> Self:
        """Return the stamp with some derived files as they are now."""
        changed = {str(file.relative_to(folder)): _hash([file.read_bytes()]) for file in files}
        return replace(self, files={**self.files, **changed})

    def write(self, folder: Path) -> None:
        """Write it into a folder."""
        write_atomically(folder / NAME, json.dumps(asdict(self), indent=1, sort_keys=True) + "\n")

    def holds(self, design: str, records: Sequence[Mapping[str, Any]], folder: Path) -> bool:
        """Whether it is of this study, these records and today's code, and all its files are as they were written."""
        if (self.design, self.records, self.code) != (design, records_hash(records), code_hash()):
            return False
        try:
            return all(_hash([(folder / name).read_bytes()]) == value for name, value in self.files.items())
        except OSError:
            return False


def records_hash(records: Iterable[Mapping[str, Any]]) -> str:
    """Return a hash of records, in their order."""
    return _hash(json.dumps(record, sort_keys=True).encode() for record in records)


@cache
def code_hash() -> str:
    """Return a hash of everything in ``studies``: what a study shows, and how, is in no other room."""
    return _hash(
        path.read_bytes() for path in sorted((_ROOT / "studies").rglob("*")) if path.suffix in (".py", ".jinja")
    )


def _is_derived(name: str) -> bool:
    """Whether a path in a study's folder is one that a report writes.

    >>> _is_derived("runs.csv"), _is_derived("figures/seeds.svg"), _is_derived("runs/ab.json"), _is_derived("../a.csv")
    (True, True, False, False)
    """
    return name in ("report.html", "study.json") or (name.isprintable() and _DERIVED.fullmatch(name) is not None)


def _hash(contents: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for content in contents:
        digest.update(f"{len(content)}\0".encode() + content)
    return digest.hexdigest()[:16]
