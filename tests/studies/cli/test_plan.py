"""What a dry run prints: how many runs there are where, or each of them, and that it changes nothing."""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from rich.console import Console

from core.training.settings import SPACE
from studies import catalogue
from studies.running import estimate
from tests.support.plugins import write_plugin

# How long it takes is measured, so that it depends on what else the machine does.
TIME = r"about (\d+:)?\d+:\d\d with \d+ at once"
HEAD = ["stage", "dataset", "network", "τ", "runs", "done", "to", "run"]
RUN = re.compile(
    r"(?P<id>[0-9a-f]{16}) (?P<state>done|to run): (?P<stage>\w+), (?P<arm>.+), (?P<where>\S+ \S+ \S+) seed \d+"
)


def settings_of(out: str) -> list[list[str]]:
    """The rows of the table of settings."""
    lines = [line.split() for line in out.splitlines()]
    return lines[lines.index(HEAD) + 1 : -1]


def runs_of(out: str) -> list[re.Match[str]]:
    """The runs that are printed one by one."""
    found = [RUN.fullmatch(line) for line in out.splitlines()[:-1]]
    runs = [match for match in found if match is not None]
    assert len(runs) == len(found)
    return runs


def content(folder: Path) -> Mapping[str, tuple[bytes, int]]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


@pytest.mark.usefixtures("without_figures")
def test_a_dry_run_counts_what_is_done_and_changes_nothing(command, scheduler):
    command.study("--seeds", "2")
    before = content(command.results)
    done = command.study("--seeds", "3", "--dry-run")
    assert (done.code, done.err) == (0, "")
    assert settings_of(done.out) == [["evaluate", "digits", "8x2", "1/8", "6", "4", "2"]]
    assert re.fullmatch(f"6 runs, 2 to run: {TIME}", done.out.splitlines()[-1])
    assert content(command.results) == before
    assert len(scheduler.asked) == 1


@pytest.mark.usefixtures("without_figures")
def test_every_run_is_shown_with_its_state_and_nothing_is_changed(command, scheduler):
    command.study("--seeds", "2")
    before = content(command.results)
    done = command.study("--seeds", "3", "--dry-run", "--every-run")
    assert (done.code, done.err) == (0, "")
    assert [(run["arm"], run[0].rpartition(" ")[2], run["state"]) for run in runs_of(done.out)] == [
        (name, str(seed), "done" if seed < 2 else "to run") for seed in range(3) for name in ("dense", "reinforce")
    ]
    ids = {path.stem for path in (command.results / "quickstart" / "runs").iterdir()}
    assert {run["id"] for run in runs_of(done.out) if run["state"] == "done"} == ids
    assert re.fullmatch(f"6 runs, 2 to run: {TIME}", done.out.splitlines()[-1])
    assert content(command.results) == before
    assert len(scheduler.asked) == 1


def test_settings_are_counted_one_by_one(command, monkeypatch):
    monkeypatch.setattr(estimate, "seconds", lambda *_: 1.0)
    arguments = ("--set", "epochs=1", "--seeds", "2", "--dry-run", "--results", str(command.results))
    done = command("run", "structures", "--scale", "quick", *arguments)
    assert (done.code, done.err) == (0, "")
    rows = settings_of(done.out)
    assert len({tuple(row[:4]) for row in rows}) == len(rows) > 1
    total = sum(int(row[4]) for row in rows)
    assert all((row[5], row[6]) == ("0", row[4]) for row in rows)
    assert done.out.splitlines()[-1].startswith(f"{total} runs, {total} to run")
    assert len(runs_of(command("run", "structures", "--scale", "quick", *arguments, "--every-run").out)) == total


@pytest.mark.usefixtures("scheduler")
def test_a_dry_run_of_a_new_study_creates_nothing(command, scheduler):
    done = command.study("--seeds", "2", "--dry-run")
    assert done.code == 0
    assert re.search(f"4 runs, 4 to run: {TIME}", done.out)
    assert not command.results.exists()
    assert not scheduler.asked


@pytest.mark.usefixtures("scheduler", "without_figures")
def test_a_dry_run_of_a_finished_study_takes_no_time(command):
    command.study("--seeds", "2")
    assert "4 runs, 0 to run: about 0:00" in command.study("--seeds", "2", "--dry-run").out


def test_a_dry_run_needs_no_working_objective(command, tmp_path):
    plugin = write_plugin(tmp_path, body="        raise RuntimeError('not yet')\n")
    done = command.study("--seeds", "2", "--dry-run", "--plugin", str(plugin), chosen="dense,of_mine")
    assert done.code == 0
    assert "4 runs, 4 to run" in done.out


def test_the_plan_of_a_changed_study_shows_the_changes(command):
    options = ("--seeds", "2", "--set", "target_density=.25", "--set", "network=8x4", "--dry-run")
    done = command.study(*options)
    assert done.code == 0
    assert settings_of(done.out) == [["evaluate", "digits", "8x4", "1/4", "4", "0", "4"]]
    runs = runs_of(command.study(*options, "--every-run").out)
    assert len(runs) == 4
    assert {run["where"] for run in runs} == {"digits 8x4 0.25"}


def test_settings_change_the_runs(command):
    def ids(*options: str) -> dict[str, str]:
        out = command.study("--seeds", "1", "--dry-run", "--every-run", *options).out
        return {run["arm"]: run["id"] for run in runs_of(out)}

    plain = ids()
    assert set(plain) == {"dense", "reinforce"}
    assert ids("--set", "epochs=2") == plain
    assert set(ids("--set", "epochs=3").values()).isdisjoint(plain.values())
    narrow = ids("--set", "reinforce.baseline=none")
    assert (narrow["dense"] == plain["dense"], narrow["reinforce"] == plain["reinforce"]) == (True, False)


def test_strategies_are_run_once_in_the_order_given(command):
    out = command.study("--seeds", "1", "--dry-run", "--every-run", chosen="reinforce, dense,reinforce").out
    assert [run["arm"] for run in runs_of(out)] == ["reinforce", "dense"]


def test_settings_of_training_are_all_settable(command):
    for key, domain in SPACE.items():
        done = command.study("--seeds", "1", "--dry-run", "--set", f"{key}={domain.default}", chosen="dense")
        assert done.code == 0, key


def test_a_plugin_is_shown_in_the_plan(command, tmp_path):
    options = ("--seeds", "1", "--dry-run", "--plugin", str(write_plugin(tmp_path)))
    assert settings_of(command.study(*options, chosen="").out)[-1][4] == "6"
    assert runs_of(command.study(*options, "--every-run", chosen="").out)[-1]["arm"] == "of_mine"


@pytest.mark.parametrize("name", catalogue.names())
def test_no_line_of_a_plan_is_longer_than_eighty_columns_but_that_of_a_run_and_the_last(command, monkeypatch, name):
    monkeypatch.setattr("studies.cli.output.console", Console(width=80))
    monkeypatch.setattr(estimate, "seconds", lambda *_: 12_345.6)
    arguments = ("run", name, "--dry-run", "--results", str(command.results))
    out = command(*arguments).out
    *table, last = out.splitlines()
    assert all(len(line) <= 80 for line in table)
    assert "…" not in out
    assert len(table) == 1 + len(settings_of(out))
    assert "to run: about 3:25:46 with " in last
    *runs, total = command(*arguments, "--every-run").out.splitlines()
    assert total == last
    # One line for each, however long, so that they can be searched and counted.
    assert all(RUN.fullmatch(line) for line in runs)
    assert len(runs) == sum(int(row[4]) for row in settings_of(out))
