"""Compressed data, which come out in memory up to a limit: a small file can hold more zeros than any machine has."""

import gzip
import io
import zlib
from pathlib import Path
from typing import BinaryIO, Final

from core.errors import InputError

# The largest file of a dataset, SVHN's training images, expands to 225 MB.
MOST_BYTES: Final = 1 << 29
_CHUNK: Final = 1 << 20  # bytes


def gunzipped(path: Path, kind: str) -> io.BytesIO:
    """Return what a gzip file holds.

    Args:
        path: the file.
        kind: what it should be, for messages.

    Raises:
        InputError: the file is damaged, or more than ``MOST_BYTES`` come out of it.
    """
    content = io.BytesIO()
    try:
        with gzip.open(path) as file:
            while chunk := file.read(_CHUNK):
                content.write(chunk)
                if content.tell() > MOST_BYTES:
                    raise too_much(path)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: not a whole {kind} ({error}); fetch it again") from None
    content.seek(0)
    return content


def inflated_size(file: BinaryIO, length: int) -> int:
    """Return how many bytes come out of the zlib stream that a file's next ``length`` bytes are, without keeping them.

    It stops beyond ``MOST_BYTES``.

    Raises:
        ValueError: the stream ends too early.
        zlib.error: the stream is damaged.
    """
    decompressor = zlib.decompressobj()
    size = 0
    rest = b""
    while not decompressor.eof and size <= MOST_BYTES:
        if not rest:
            rest = file.read(min(length, _CHUNK))
            length -= len(rest)
        came = decompressor.decompress(rest, _CHUNK)
        if not came and not rest:
            raise ValueError("a compressed part ends too early")
        rest = decompressor.unconsumed_tail
        size += len(came)
    return size


def too_much(path: Path) -> InputError:
    """Say that more than ``MOST_BYTES`` come out of a file."""
    return InputError(
        f"{path}: more than {MOST_BYTES >> 20} MB come out of it, as of no published file; fetch it again"
    )
