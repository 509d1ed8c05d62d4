import json
import re
import socket
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from filelock import FileLock
from rich.console import Console

from core.errors import InputError
from studies import catalogue
from studies.design import Arm, Sweep
from studies.formatting import interval, percent
from tests.support.plugins import PLUGIN, write_plugin

pytestmark = pytest.mark.usefixtures("without_figures")

ALL_FOUR = [("dense", 0), ("reinforce", 0), ("dense", 1), ("reinforce", 1)]


def files(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file()
    }


def run_files(folder: Path) -> dict[str, tuple[bytes, int]]:
    return {name: content for name, content in files(folder).items() if "/runs/" in name}


def test_a_first_run_asks_for_everything_and_reports(command, scheduler):
    done = command.study("--seeds", "2")
    assert (done.code, done.err) == (0, "")
    assert scheduler.asked == [ALL_FOUR]
    assert scheduler.datasets == {"digits"}
    folder = command.results / "quickstart"
    names = {name for name in files(folder) if not name.startswith("runs/")} - {".lock"}
    assert names == {"study.json", "runs.csv", "summary.csv", "tables/summary.tex", "report.html", "derived.json"}
    assert "4 runs, 0 already done, 4 to run" in done.out
    assert str(folder / "report.html") in done.out


def test_progress_counts_each_run_and_its_error(command, scheduler):
    scheduler.failures = {("dense", 1): "nan"}
    lines = command.study("--seeds", "2").out.splitlines()
    assert [line.partition("]")[0] for line in lines if line.startswith("[")] == ["[1/4", "[2/4", "[3/4", "[4/4"]
    (line,) = [line for line in lines if line.startswith("[3/4]")]
    assert re.search(r"dense, digits 8x2 density 0\.125 seed 1: nan: invented nan; \d+:\d\d left$", line)


def test_the_closing_table_agrees_with_summary_csv(command, scheduler):
    scheduler.failures = {("reinforce", 1): "diverged"}
    out = command.study("--seeds", "2").out
    summary = pd.read_csv(command.results / "quickstart" / "summary.csv")
    for row in summary.to_dict("records"):
        (line,) = [line for line in out.splitlines() if line.split()[:2] == [row["arm"], "2"]]
        assert f" {percent(row['mean'])} " in line
        assert f" {interval(row['ci_low'], row['ci_high'])} " in line
        assert f" {100 * row['test_density']:.1f} % " in line
        assert f" {100 * row['test_macs'] / row['dense_macs']:.1f} % " in line
        assert line.split()[-1] == str(row["failures"])


def test_a_second_run_does_nothing_and_says_so(command, scheduler):
    command.study("--seeds", "2")
    before = files(command.results)
    done = command.study("--seeds", "2")
    assert done.code == 0
    assert "nothing to run, all 4 runs are done" in done.out
    assert len(scheduler.asked) == 1
    assert files(command.results) == before


def test_more_seeds_run_only_the_missing(command, scheduler):
    command.study("--seeds", "2")
    before = run_files(command.results)
    done = command.study("--seeds", "3")
    assert scheduler.asked[1:] == [[("dense", 2), ("reinforce", 2)]]
    assert "6 runs, 4 already done, 2 to run" in done.out
    assert before.items() < run_files(command.results).items()
    assert set(pd.read_csv(command.results / "quickstart" / "summary.csv").n) == {3}


def test_fewer_seeds_run_nothing_but_are_reported_as_fewer(command, scheduler):
    command.study("--seeds", "3")
    before = run_files(command.results)
    done = command.study("--seeds", "2")
    assert len(scheduler.asked) == 1
    assert "nothing to run, all 4 runs are done" in done.out
    assert set(pd.read_csv(command.results / "quickstart" / "summary.csv").n) == {2}
    assert len(pd.read_csv(command.results / "quickstart" / "runs.csv")) == 4
    assert run_files(command.results) == before


def test_one_more_strategy_runs_only_that(command, scheduler):
    command.study("--seeds", "2")
    command.study("--seeds", "2", chosen="dense,straight_through,reinforce")
    assert scheduler.asked[1:] == [[("straight_through", 0), ("straight_through", 1)]]


def test_a_plugin_joins_the_strategies_of_the_study(command, scheduler, tmp_path):
    plugin = write_plugin(tmp_path)
    command.study("--seeds", "1", "--plugin", str(plugin), chosen="")
    assert [name for name, _ in scheduler.asked[0]] == [
        "dense", "small_dense", "random_blocks", "straight_through", "reinforce", "of_mine"
    ]  # fmt: skip


def test_editing_a_plugin_runs_it_again_and_nothing_else(command, scheduler, tmp_path):
    chosen = {"chosen": "dense,of_mine"}
    options = ("--seeds", "2", "--plugin", str(write_plugin(tmp_path)))
    command.study(*options, **chosen)
    assert "nothing to run" in command.study(*options, **chosen).out
    write_plugin(tmp_path, text=PLUGIN + "# edited\n")
    assert command.study(*options, **chosen).code == 0
    assert scheduler.asked == [
        [("dense", 0), ("of_mine", 0), ("dense", 1), ("of_mine", 1)],
        [("of_mine", 0), ("of_mine", 1)],
    ]


def test_failed_runs_are_all_listed_and_exit_with_1_every_time(command, scheduler):
    scheduler.failures = {("dense", 1): "nan", ("reinforce", 0): "error"}
    for done in (command.study("--seeds", "2"), command.study("--seeds", "2")):
        assert done.code == 1
        failed = [line for line in done.out.splitlines() if line.startswith("failed: ")]
        assert failed == [
            "failed: reinforce, digits 8x2 density 0.125 seed 0: error: invented error",
            "failed: dense, digits 8x2 density 0.125 seed 1: nan: invented nan",
        ]
        assert done.err == ""
    assert (command.results / "quickstart" / "report.html").exists()
    assert len(scheduler.asked) == 1


def test_retry_errors_runs_faults_again_but_no_results(command, scheduler):
    scheduler.failures = {
        ("dense", 0): "nan",
        ("dense", 1): "error",
        ("reinforce", 0): "timeout",
        ("reinforce", 1): "diverged",
    }
    command.study("--seeds", "2")
    before = run_files(command.results)
    scheduler.failures = {}
    assert command.study("--seeds", "2").code == 1
    assert len(scheduler.asked) == 1
    done = command.study("--seeds", "2", "--retry-errors")
    assert scheduler.asked[1:] == [[("reinforce", 0), ("dense", 1)]]
    assert done.code == 1
    after = run_files(command.results)
    assert before.keys() == after.keys()
    assert {json.loads(text)["status"] for text, _ in after.values()} == {"ok", "nan", "diverged"}
    assert sum(before[name] == after[name] for name in before) == 2


def test_an_interrupted_run_keeps_what_is_finished_and_reports_nothing(command, scheduler):
    scheduler.stop_after = 3
    done = command.study("--seeds", "2")
    assert done.code == 130
    assert "interrupted: 3 of 4 runs are kept, the same command runs the rest" in done.out
    kept = run_files(command.results)
    assert len(kept) == 3
    assert not (command.results / "quickstart" / "runs.csv").exists()
    scheduler.stop_after = None
    assert command.study("--seeds", "2").code == 0
    assert scheduler.asked[1:] == [[("reinforce", 1)]]
    assert kept.items() < run_files(command.results).items()


def test_runs_lost_with_their_workers_are_listed_and_run_again(command, scheduler):
    scheduler.lost = ("reinforce",)
    done = command.study("--seeds", "2")
    assert done.code == 1
    assert (
        sum(line.startswith("lost: run ") and line.endswith(": its worker died") for line in done.out.splitlines()) == 2
    )
    assert len(run_files(command.results)) == 2
    scheduler.lost = ()
    assert command.study("--seeds", "2").code == 0
    assert scheduler.asked[1:] == [[("reinforce", 0), ("reinforce", 1)]]


def test_finished_runs_survive_a_driver_that_fails(command, scheduler, monkeypatch):
    def fail(record, arm):
        raise RuntimeError("terminal gone")

    monkeypatch.setattr("studies.running.progress.describe", fail)
    with pytest.raises(RuntimeError, match="terminal gone"):
        command.study("--seeds", "2")
    monkeypatch.undo()
    assert len(run_files(command.results)) == 1


def test_every_record_holds_the_hash_of_its_design(command, scheduler):
    command.study("--seeds", "2")
    frozen = json.loads((command.results / "quickstart" / "study.json").read_text("utf-8"))
    assert {json.loads(text)["design_hash"] for text, _ in run_files(command.results).values()} == {
        frozen["design_hash"]
    }


def test_scales_share_runs_that_differ_in_nothing(command, scheduler):
    command.study("--seeds", "2", "--scale", "quick", chosen="dense")
    command.study("--seeds", "2", "--scale", "default", chosen="dense")
    assert len(scheduler.asked) == 1


def test_options_reach_the_scheduler(command, scheduler):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}"
        where = ("--cpus", "3", "--address", address, "--gpus-per-trial", "0.5")
        done = command.study("--seeds", "1", *where, "--time-limit", "90", "--memory-limit", "1.5")
    assert done.code == 0
    assert vars(scheduler.resources) == {
        "cpus": 3, "gpus_per_trial": 0.5, "address": address, "time_limit": 90.0, "memory_limit": 1_500_000_000
    }  # fmt: skip


def test_a_scheduler_that_cannot_start_leaves_no_study_behind(command, monkeypatch):
    def refuse(*_, **__):
        raise InputError("no cluster")

    monkeypatch.setitem(sys.modules, "studies.running.schedule", SimpleNamespace(execute_all=refuse))
    done = command.study("--seeds", "1")
    assert (done.code, done.err) == (2, "error: no cluster\n")
    assert not [name for name in files(command.results) if not name.endswith(".lock")]


def test_a_damaged_record_is_named_in_one_line(command, scheduler):
    command.study("--seeds", "2")
    path = next((command.results / "quickstart" / "runs").glob("*.json"))
    path.write_text(path.read_text("utf-8")[:40], "utf-8")
    done = command.study("--seeds", "2")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert str(path) in done.err
    assert "delete it to run it again" in done.err


def test_two_drivers_do_not_write_to_one_folder(command, scheduler):
    (command.results / "quickstart").mkdir(parents=True)
    with FileLock(command.results / "quickstart" / ".lock"):
        done = command.study("--seeds", "2")
    assert done.code == 2
    assert done.err.count("\n") == 1
    assert "another run is writing there" in done.err
    assert not scheduler.asked


def test_one_plugin_given_twice_runs_once(command, scheduler, tmp_path):
    plugin = str(write_plugin(tmp_path))
    done = command.study("--seeds", "1", "--plugin", plugin, "--plugin", plugin, chosen="")
    assert done.code == 2 or scheduler.asked[0].count(("of_mine", 0)) == 1


def test_a_reason_of_many_lines_takes_one_line(command, scheduler):
    scheduler.failures = {("dense", 0): "error"}
    scheduler.reason = "ValueError: first\nsecond (x.py:1)"
    lines = command.study("--seeds", "1", chosen="dense").out.splitlines()
    for start in ("[1/1] ", "failed: "):
        (line,) = [line for line in lines if line.startswith(start)]
        assert "ValueError: first" in line
        assert "(x.py:1)" in line


def test_failures_and_lost_runs_take_a_line_each_on_a_narrow_terminal(command, scheduler, monkeypatch):
    monkeypatch.setattr("studies.cli.output.console", Console(width=80))
    scheduler.failures = {("dense", 0): "error"}
    scheduler.reason = f"ValueError: {'x ' * 60}(x.py:1)"
    (failed,) = [line for line in command.study(chosen="dense").out.splitlines() if line.startswith("failed: ")]
    assert failed.endswith("(x.py:1)")


def test_what_is_printed_of_runs_names_their_arms(command, scheduler, monkeypatch):
    arms = (
        Arm("fast", "reinforce", training={"learning_rate": 0.01}),
        Arm("slow", "reinforce", training={"learning_rate": 0.001}),
    )
    sweep = Sweep(seeds=2, arms=arms, datasets=("digits",), networks=("8x2",), training={"epochs": 2})
    study = replace(catalogue.find("quickstart"), scales={"default": sweep})
    monkeypatch.setattr(catalogue, "find", lambda name: study)
    scheduler.failures = {("reinforce", 1): "nan"}
    done = command("run", "quickstart", "--results", str(command.results))
    assert done.code == 1
    lines = done.out.splitlines()
    assert sum(line.startswith("[") and "] fast, digits 8x2 " in line for line in lines) == 2
    assert sum(line.startswith("failed: slow, digits 8x2 ") for line in lines) == 1
    assert [line.split()[0] for line in lines if line.startswith(("fast ", "slow "))] == ["fast", "slow"]
