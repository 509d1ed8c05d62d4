"""The terminal for ourselves: what Ray, Tune and their processes write reaches nobody."""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from rich.console import Console


@contextmanager
def silenced(console: Console) -> Iterator[None]:
    """Send all that this process and its children write to nowhere, but what ``console`` prints.

    Standard output and standard error are redirected as file descriptors, which children inherit and which loggers and
    compiled code cannot get around.
    """
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            # What cannot be written is said when the process ends.
            with suppress(OSError):
                stream.flush()
    kept = [os.dup(1), os.dup(2)]
    nothing = os.open(os.devnull, os.O_WRONLY)
    own = console.file
    try:
        if _descriptor(own) in (1, 2):
            encoding = getattr(own, "encoding", None) or "utf-8"
            copy = os.dup(kept[_descriptor(own) - 1])
            console.file = os.fdopen(copy, "w", encoding=encoding, errors="replace", buffering=1)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        yield
    finally:
        if console.file is not own:
            with suppress(OSError):
                console.file.close()
            # The standard stream of the moment again, rather than the one that it was.
            console.file = None  # type: ignore[assignment]
        for number, descriptor in enumerate(kept, start=1):
            os.dup2(descriptor, number)
            os.close(descriptor)
        os.close(nothing)


def _descriptor(file: object) -> int:
    """The number of a file's descriptor; -1 of one that has none, such as a buffer of tests."""
    try:
        return int(file.fileno())  # type: ignore[attr-defined]
    except (AttributeError, io.UnsupportedOperation, ValueError):
        return -1
