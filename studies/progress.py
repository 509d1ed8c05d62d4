"""What the user sees while runs are executed: a live line on a terminal, a line per run elsewhere."""

import time
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from studies.formatting import duration, percent


class RunProgress:
    """Counts finished and failed runs, and estimates the time left from the pace so far."""

    def __init__(self, console: Console, study: str, total: int) -> None:
        self._console = console
        self._total = total
        self.done = 0
        self._failed = 0
        self._started = time.monotonic()
        self._live = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("runs, {task.fields[failed]} failed, {task.fields[left]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._live.add_task(study, total=total, failed=0, left="starting Ray")

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._live.stop()

    def update(self, record: dict[str, Any]) -> None:
        """Count one finished run."""
        self.done += 1
        self._failed += record["status"] != "ok"
        elapsed = time.monotonic() - self._started
        left = f"{duration(elapsed / self.done * (self._total - self.done))} left"
        self._live.update(self._task, completed=self.done, failed=self._failed, left=left)
        if not self._console.is_terminal:
            line = f"[{self.done}/{self._total}] {describe(record)}; {left}"
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)


def describe(record: dict[str, Any]) -> str:
    """Say in one line which run it was and what became of it."""
    configuration = record["config"]
    setting = (
        f"{configuration['dataset']} {configuration['network']} density {configuration['target_density']:.3g} "
        f"seed {configuration['seed']}"
    )
    if record["status"] != "ok":
        reason = " ".join(record["reason"].split())
        return f"{configuration['strategy']}, {setting}: {record['status']}: {reason}"
    error = record.get("test_error", record["validation_error"])
    return f"{configuration['strategy']}, {setting}: error {percent(error)} in {record['train_seconds']:.1f} s"
