"""The progress of a download on a terminal.

rich is imported on use, so that core imports where it is not installed.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class DownloadBar:
    """Shows what pooch says of a download; pooch expects this part of the interface of tqdm."""

    def __init__(self, progress: "Progress", name: str) -> None:
        self._progress = progress
        self._name = name
        self._task: TaskID | None = None

    @property
    def total(self) -> float:
        """Bytes to download; set at the start of every attempt, so that a file in the cache shows no bar."""
        return 0.0 if self._task is None else self._progress.tasks[0].total or 0.0

    @total.setter
    def total(self, total: float) -> None:
        if self._task is None:
            self._task = self._progress.add_task(self._name)
        self._progress.reset(self._task, total=total or None)

    def update(self, amount: float) -> None:
        """Add so many bytes."""
        if self._task is not None:
            self._progress.advance(self._task, amount)

    def reset(self) -> None:
        """Start again at 0 bytes."""
        if self._task is not None:
            self._progress.reset(self._task)

    def close(self) -> None:
        """Nothing to do: the bar goes with its progress."""


@contextmanager
def shown(name: str) -> Iterator[DownloadBar | None]:
    """Give a bar on standard error that vanishes at the end; None if that is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True) as progress:
        yield DownloadBar(progress, name)
