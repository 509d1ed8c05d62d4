"""Files that are either complete or not there."""

import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_PREFIX, _SUFFIX = ".", ".part"
# A name, what mkstemp has put behind it, and the ending of the file that it was to become.
_UNFINISHED = re.compile(r"\..+\.[a-z0-9_]{8}\.part(\.[^.]+)?")


def write_atomically(path: Path, text: str) -> None:
    """Write a text file that is either complete or not there, even if the machine stops in between.

    Raises:
        OSError: it cannot be written; nothing of it is left.
    """
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a temporary file of the same ending to write, which becomes the file when the ``with`` statement ends well.

    Raises:
        OSError: it cannot be written; nothing of it is left.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f"{_PREFIX}{path.stem}.", suffix=f"{_SUFFIX}{path.suffix}")
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            # The system does not name the file that it could not write more to.
            error.filename = str(path)
        raise


def from_json(text: str) -> Any:
    """Read JSON whose strings are text.

    Raises:
        ValueError: it is no JSON, or a string holds half of a letter, which JSON can write and nothing else can.
        RecursionError: it is nested too deep.

    >>> from_json('["\\\\ud83d\\\\ude00"]') == [chr(0x1F600)]
    True
    """
    content = json.loads(text)
    if "\\ud" in text.lower():
        json.dumps(content, ensure_ascii=False).encode()
    return content


def remove_unfinished(folder: Path) -> None:
    """Remove what writers that were killed have left in a folder and below it, and nothing else."""
    for path in folder.rglob(f"{_PREFIX}*{_SUFFIX}*"):
        if _UNFINISHED.fullmatch(path.name) and path.is_file():
            path.unlink(missing_ok=True)


def _umask() -> int:
    """The permissions that the user withholds from new files; they can only be read by setting them."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
