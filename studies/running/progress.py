"""What the user sees while runs are executed: a live line on a terminal, a line per run elsewhere."""

import time
from collections.abc import Mapping
from typing import Any, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from studies.formatting import duration, printable
from studies.metric import error_text


class RunProgress:
    """Counts finished and failed runs, and estimates the time left from the pace so far.

    Args:
        console: where to say it.
        study: its name.
        arms: of every run that is executed, by its id, the arm.
    """

    def __init__(self, console: Console, study: str, arms: Mapping[str, str]) -> None:
        self._console = console
        self._arms = arms
        self._total = total = len(arms)
        self.done = 0
        self._failed = 0
        # When the first record came: what was before is starting, and not the pace of the work.
        self._first: float | None = None
        self._live = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("runs, {task.fields[failed]} failed, {task.fields[left]}"),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._live.add_task(study, total=total, failed=0, left="starting")

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._live.stop()

    def _left(self) -> str:
        """Say how long the rest takes at the pace between the first record and the latest."""
        now = time.monotonic()
        if self._first is None:
            self._first = now
            return "time left not known yet"
        return f"{duration((now - self._first) / (self.done - 1) * (self._total - self.done))} left"

    def update(self, record: dict[str, Any]) -> None:
        """Count one finished run."""
        self.done += 1
        self._failed += record["status"] != "ok"
        left = self._left()
        self._live.update(self._task, completed=self.done, failed=self._failed, left=left)
        if not self._console.is_terminal:
            line = f"[{self.done}/{self._total}] {describe(record, self._arms[record['run_id']])}; {left}"
            self._console.print(line, highlight=False, markup=False, soft_wrap=True)


def describe(record: dict[str, Any], arm: str) -> str:
    """Say in one line which run of an arm it was and what became of it."""
    configuration = record["config"]
    setting = (
        f"{configuration['dataset']} {configuration['network']} density {configuration['target_density']:.3g} "
        f"seed {configuration['seed']}"
    )
    if record["status"] != "ok":
        reason = printable(record["reason"])
        return f"{arm}, {setting}: {record['status']}: {reason}"
    error = record.get("test_error", record["validation_error"])
    return f"{arm}, {setting}: error {error_text(configuration['dataset'], error)} in {record['train_seconds']:.1f} s"
