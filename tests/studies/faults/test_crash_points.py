"""A driver that is stopped at any moment: the same command goes on, and leaves what an uninterrupted one leaves."""

import json
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from studies.running.runner import RETRIED
from tests.studies.faults.conftest import files
from tests.support.forked import Ended, Fault, Forked, Moment

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1500),
    pytest.mark.skipif(sys.platform == "win32", reason="forks"),
]

Arguments = tuple[str, ...]
INTERRUPTED = {signal.SIGKILL: -9, signal.SIGINT: 130, signal.SIGTERM: 143}


class Case:
    """A folder before a command, and the command.

    Args:
        forked: runs it.
        folder: for this case.
        before: commands whose folder it begins with.
        command: options of the small study, or a whole command that begins with its name.
        how: the circumstances of all of them.
    """

    def __init__(
        self,
        forked: Forked,
        folder: Path,
        before: Sequence[tuple[Arguments, dict[str, Any]]],
        command: Arguments,
        **how: Any,
    ) -> None:
        self._forked = forked
        self._folder = folder
        self._command = command
        self._how = how
        self.start = folder / "start"
        self.start.mkdir()
        for arguments, other in before:
            assert self.run(self.start, arguments, **other).code in (0, 1)
        if before:
            # Of the user's own: nothing touches it.
            (self.start / "quickstart" / "tables" / "mine.tex").write_text("mine", "utf-8")
        whole = self._copy("whole")
        self.uninterrupted = self.run(whole, command)
        assert self.uninterrupted.code == 0, self.uninterrupted.err
        self.files = files(whole)

    def run(self, results: Path, arguments: Arguments, **how: Any) -> Ended:
        how = {**self._how, **how}
        if arguments[0] in ("report", "figures"):
            return self._forked(*arguments, "--results", str(results), **how)
        return self._forked.study(results, *arguments, **how)

    def stopped(self, moment: Moment, number: int, by: signal.Signals = signal.SIGKILL) -> str | None:
        """Stop the command at a moment, give it again, and say what is not as it should be."""
        results = self._copy("again")
        there = files(results)
        stopped = self.run(results, self._command, fault=Fault(moment, number, by))
        if stopped.code != INTERRUPTED[by]:
            return f"{moment} {number}: ended with {stopped.code}: {stopped.err}"
        if by != signal.SIGKILL and stopped.err.split() != ["interrupted"]:
            return f"{moment} {number}: said {stopped.err}"
        for name, content in files(results).items():
            if "/runs/" in name and not Path(name).name.startswith("."):
                json.loads(content)
                if there.get(name, content) != content and name not in self._may_change(there):
                    return f"{moment} {number}: {name} has changed"
        again = self.run(results, self._command)
        if (again.code, again.err) != (0, ""):
            return f"{moment} {number}: the same command ended with {again.code}: {again.err}"
        found = files(results)
        differ = sorted(name for name in self.files.keys() | found.keys() if self.files.get(name) != found.get(name))
        return f"{moment} {number}: {', '.join(differ)} differ" if differ else None

    def _may_change(self, there: dict[str, bytes]) -> set[str]:
        """Records of errors, which may be run again."""
        records = {name: json.loads(content) for name, content in there.items() if "/runs/" in name}
        return {name for name, record in records.items() if record["status"] in RETRIED}

    def _copy(self, name: str) -> Path:
        results = self._folder / name
        shutil.rmtree(results, ignore_errors=True)
        shutil.copytree(self.start, results)
        return results

    def faults(self, *moments: Moment, step: int = 1) -> list[str]:
        """Stop it at each, or at each so-many-th, of these moments, and say what is not as it should be then."""
        count = self.uninterrupted.moments
        found = [self.stopped(moment, number) for moment in moments for number in range(0, count[moment], step)]
        return [fault for fault in found if fault is not None]


TWO_SEEDS: tuple[Arguments, dict[str, Any]] = (("--seeds", "2"), {})
THREE_SEEDS: tuple[Arguments, dict[str, Any]] = (("--seeds", "3"), {})
WITH_ERRORS: tuple[Arguments, dict[str, Any]] = (
    ("--seeds", "2"),
    {"failures": {"small_dense 1": "error", "reinforce 0": "timeout"}},
)
CASES: dict[str, tuple[Sequence[tuple[Arguments, dict[str, Any]]], Arguments]] = {
    "a_first_run": ([], ("--seeds", "2")),
    "fewer_seeds": ([THREE_SEEDS], ("--seeds", "2")),
    "errors_mended": ([WITH_ERRORS], ("--seeds", "2", "--retry-errors")),
    "a_report": ([TWO_SEEDS], ("report", "quickstart")),
    "networks_kept": ([], ("--seeds", "2", "--keep-networks")),
    "networks_added": ([TWO_SEEDS], ("--seeds", "3", "--keep-networks")),
    "figures": ([TWO_SEEDS], ("figures", "quickstart", "--venue", "icml", "--format", "pdf,svg")),
}


# After one write is nearly before the next one, and before it with a temporary file more.
@pytest.mark.parametrize(("moment", "step"), [("before", 1), ("made", 5), ("after", 5)])
def test_an_extended_study_is_mended_wherever_its_driver_was_killed(forked, tmp_path, moment, step):
    case = Case(forked, tmp_path, [TWO_SEEDS], ("--seeds", "3"))
    # Two records, the study, what is derived, and its stamps.
    assert case.uninterrupted.moments[moment] > 30
    assert case.faults(moment, step=step) == []


@pytest.mark.parametrize("name", CASES)
def test_whatever_a_killed_driver_was_writing_is_mended(forked, tmp_path, name):
    case = Case(forked, tmp_path, *CASES[name])
    assert case.uninterrupted.moments["before"] > 10
    assert (case.uninterrupted.moments["removed"] > 0) == (name == "errors_mended")
    assert case.faults("before", step=4) == []
    assert case.faults("removed") == []


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM], ids=lambda by: by.name)
def test_a_driver_stopped_inside_a_picture_leaves_no_half_picture(forked, tmp_path, by):
    case = Case(forked, tmp_path, [TWO_SEEDS], ("--seeds", "3"), pictures=True)
    pictures = case.uninterrupted.moments["in a picture"]
    assert pictures >= 12
    found = [case.stopped("in a picture", number, by) for number in (0, pictures // 2, pictures - 1)]
    assert found == [None, None, None]


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM], ids=lambda by: by.name)
def test_a_driver_interrupted_at_a_record_or_table_goes_on(forked, tmp_path, by):
    case = Case(forked, tmp_path, [WITH_ERRORS], ("--seeds", "3", "--retry-errors"))
    writes = case.uninterrupted.moments["before"]
    moments: list[tuple[Moment, int]] = [
        (moment, number) for moment in ("made", "after") for number in (0, 1, 2, 7, 12)
    ]
    moments.append(("after", writes - 1))
    assert [case.stopped(moment, number, by) for moment, number in moments] == [None] * len(moments)
