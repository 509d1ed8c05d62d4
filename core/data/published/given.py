"""Files of a dataset in a folder of the user's: found by their official names, and checked."""

import hashlib
from pathlib import Path

from core.data.dataset import RemoteFile, Source
from core.errors import InputError


def given(source: Source, folder: Path) -> dict[str, Path]:
    """Return where in ``folder/NAME`` or ``folder`` each file of a source is, by its name.

    Raises:
        InputError: a file is missing, or is not the published one.
    """
    # MNIST and Fashion-MNIST name their files alike, so each file is the one whose checksum fits.
    there = {
        file.name: [path for path in (folder / source.name / file.name, folder / file.name) if path.is_file()]
        for file in source.files
    }
    missing = [file for file in source.files if not there[file.name]]
    if missing:
        raise InputError(
            f"dataset {source.name!r}: neither {folder / source.name} nor {folder} has "
            f"{', '.join(f'{file.name} (from {file.url})' for file in missing)}"
        )
    return {file.name: _published(file, there[file.name]) for file in source.files}


def _published(file: RemoteFile, paths: list[Path]) -> Path:
    found = {path: md5_of(path) for path in paths}
    for path, md5 in found.items():
        if md5 == file.md5:
            return path
    path, md5 = next(iter(found.items()))
    raise InputError(f"{path}: its md5 is {md5}, that of the published file {file.md5}; fetch it again from {file.url}")


def md5_of(path: Path) -> str:
    """Return a file's checksum.

    Raises:
        InputError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
