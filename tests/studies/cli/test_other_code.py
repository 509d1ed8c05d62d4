"""What ``run`` does with finished runs that were made by other code: it names them, makes them again, or keeps them."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from studies import catalogue
from studies.design import Search, Sweep
from studies.records.ledger import Ledger

pytestmark = pytest.mark.usefixtures("without_figures")

SEEDS = ("--seeds", "2")
NAMED = "4 of 4 finished runs were made by other code (kernels, core or the trial in 4)"
CHOICE = "--rerun-changed makes them again, --mixed keeps them as they are"


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


def records(folder: Path) -> dict[tuple[str, int], dict[str, Any]]:
    """The records of the study by strategy and seed."""
    ledger = Ledger(folder / "quickstart" / "runs")
    found = [ledger.read(path.stem) for path in sorted((folder / "quickstart" / "runs").glob("*.json"))]
    return {(record["config"]["strategy"], record["config"]["seed"]): record for record in found}


def age(folder: Path, which: Iterable[tuple[str, int]] | None = None, *, part: str | None = "suite") -> None:
    """Make finished runs those of other code; without a part, of code that was not recorded."""
    for key, record in records(folder).items():
        if which is None or key in which:
            code = None if part is None else {**record["code"], part: "0123456789abcdef"}
            Ledger(folder / "quickstart" / "runs").add({**record, "code": code})


def test_runs_of_other_code_are_named_in_one_line_before_anything_is_reused(command, scheduler):
    assert command.study(*SEEDS).code == 0
    age(command.results)
    before = content(command.results)
    # Whether there is anything to run or not.
    for arguments in (SEEDS, ("--seeds", "3"), (*SEEDS, "--retry-errors")):
        done = command.study(*arguments)
        assert (done.code, done.out) == (2, "")
        assert done.err == f"error: quickstart: {NAMED}: {CHOICE}\n"
    assert content(command.results) == before
    assert len(scheduler.asked) == 1


@pytest.mark.parametrize(
    ("part", "words"),
    [("strategy", "their strategy in 1"), (None, "code that was not recorded in 1")],
    ids=["strategy", "unrecorded"],
)
def test_a_single_run_of_other_code_is_named_with_what_differs(command, scheduler, part, words):
    command.study(*SEEDS)
    age(command.results, [("dense", 1)], part=part)
    done = command.study(*SEEDS)
    assert done.code == 2
    assert f"1 of 4 finished runs were made by other code ({words})" in done.err


def test_runs_that_are_not_asked_for_stand_in_nobodys_way(command, scheduler):
    command.study("--seeds", "3")
    age(command.results, [("dense", 2), ("reinforce", 2)])
    assert command.study("--seeds", "2").code == 0
    assert command.study("--seeds", "3").code == 2


def test_rerun_changed_makes_them_again_and_only_them(command, scheduler):
    command.study(*SEEDS)
    today = content(command.results)
    age(command.results, [("dense", 1), ("reinforce", 0)])
    done = command.study(*SEEDS, "--rerun-changed")
    assert (done.code, done.err) == (0, "")
    assert scheduler.asked[1:] == [[("reinforce", 0), ("dense", 1)]]
    assert "4 runs, 2 already done, 2 to run" in done.out
    # Invented records are those of their configurations, so that everything is as it was.
    assert content(command.results) == today
    again = command.study(*SEEDS, "--rerun-changed")
    assert "nothing to run, all 4 runs are done" in again.out
    assert command.study(*SEEDS).code == 0
    assert len(scheduler.asked) == 2


def test_rerun_changed_runs_what_is_missing_too(command, scheduler):
    command.study(*SEEDS)
    age(command.results, [("dense", 0)])
    assert command.study("--seeds", "3", "--rerun-changed").code == 0
    assert scheduler.asked[1:] == [[("dense", 0), ("dense", 2), ("reinforce", 2)]]


def test_an_interrupted_rerun_keeps_the_old_records_until_new_ones_replace_them(command, scheduler):
    command.study(*SEEDS)
    age(command.results)
    scheduler.stop_after = 1
    stopped = command.study(*SEEDS, "--rerun-changed")
    assert stopped.code == 130
    made = {key: record["code"]["suite"] for key, record in records(command.results).items()}
    assert sum(suite == "0123456789abcdef" for suite in made.values()) == 3
    assert len(made) == 4
    scheduler.stop_after = None
    assert command.study(*SEEDS, "--rerun-changed").code == 0
    assert [len(asked) for asked in scheduler.asked] == [4, 4, 3]


def test_mixed_keeps_them_and_says_so_wherever_results_are_shown(command, scheduler):
    command.study(*SEEDS)
    age(command.results)
    before = content(command.results / "quickstart" / "runs")
    done = command.study("--seeds", "3", "--mixed")
    assert (done.code, done.err) == (0, "")
    assert scheduler.asked[1:] == [[("dense", 2), ("reinforce", 2)]]
    assert before.items() <= content(command.results / "quickstart" / "runs").items()
    folder = command.results / "quickstart"
    today = records(command.results)["dense", 2]["code"]["suite"]
    sentence = f"Runs are from more than one code: 4 of 0123456789abcdef, 2 of {today}."
    assert json.loads((folder / "study.json").read_text("utf-8"))["runs"][0] == sentence
    assert sentence in (folder / "report.html").read_text("utf-8")
    assert "more than one code" in (folder / "tables" / "summary.tex").read_text("utf-8")


def test_mixed_alone_writes_the_report_anew(command, scheduler):
    command.study(*SEEDS)
    page = command.results / "quickstart" / "report.html"
    assert "All 4 runs are from one code." in page.read_text("utf-8")
    age(command.results, [("dense", 0)])
    assert command.study(*SEEDS, "--mixed").code == 0
    assert len(scheduler.asked) == 1
    assert "Runs are from more than one code: 3 of " in page.read_text("utf-8")


def test_the_report_of_mixed_runs_is_written_again_without_asking(command, scheduler):
    command.study(*SEEDS)
    age(command.results, [("dense", 0)])
    assert command("report", "quickstart", "--results", str(command.results)).code == 0
    page = (command.results / "quickstart" / "report.html").read_text("utf-8")
    assert "Runs are from more than one code: 3 of " in page


def test_one_cannot_ask_for_both(command, scheduler):
    done = command.study(*SEEDS, "--mixed", "--rerun-changed")
    assert (done.code, done.out) == (2, "")
    assert done.err == "error: --rerun-changed and --mixed: choose one of them\n"
    assert not command.results.exists()


def test_a_dry_run_names_them_and_changes_nothing(command, scheduler):
    command.study(*SEEDS)
    age(command.results)
    before = content(command.results)
    done = command.study("--seeds", "3", "--dry-run")
    assert (done.code, done.err) == (0, "")
    total = done.out.splitlines()[-1]
    assert re.fullmatch(rf"6 runs, 2 to run: about [\d:]+ with \d+ at once; {re.escape(NAMED)}", total)
    assert content(command.results) == before
    assert len(scheduler.asked) == 1


@pytest.mark.parametrize(
    ("options", "missing"),
    [
        (("--rerun-changed",), 5),
        (("--mixed",), 2),
        (("--mixed", "--retry-errors"), 3),
        (("--rerun-changed", "--retry-errors"), 6),
    ],
)
def test_a_dry_run_counts_what_the_same_command_would_run(command, scheduler, options, missing):
    scheduler.failures = {("dense", 0): "error"}
    command.study(*SEEDS)
    age(command.results, [("dense", 1), ("reinforce", 0), ("reinforce", 1)])
    done = command.study("--seeds", "3", "--dry-run", *options)
    assert f"6 runs, {missing} to run: about " in done.out
    lines = command.study("--seeds", "3", "--dry-run", "--every-run", *options).out.splitlines()
    assert sum(" to run: evaluate, " in line for line in lines) == missing
    command.study("--seeds", "3", *options)
    assert len(scheduler.asked[-1]) == missing


def test_a_search_of_other_code_is_made_again_before_its_winners(command, scheduler, monkeypatch):
    sweep = Sweep(
        seeds=2,
        strategies=("dense", "reinforce"),
        datasets=("digits",),
        networks=("8x2",),
        training={"epochs": 2},
        search=Search(points=2, seeds=1, searches=1),
        test_split="fixed",
        references=(),
    )
    study = replace(catalogue.find("quickstart"), scales={"default": sweep})
    monkeypatch.setattr(catalogue, "find", lambda name: study)
    arguments = ("run", "quickstart", "--results", str(command.results))
    assert command(*arguments).code == 0
    ledger = Ledger(command.results / "quickstart" / "runs")
    ids = [path.stem for path in (command.results / "quickstart" / "runs").glob("*.json")]
    searched = [run_id for run_id in ids if ledger.read(run_id)["config"]["stage"] == "search"]
    assert (len(searched), len(ids)) == (4, 8)
    for run_id in ids:
        record = ledger.read(run_id)
        ledger.add({**record, "code": {**record["code"], "suite": "0123456789abcdef"}})
    refused = command(*arguments)
    assert (refused.code, "8 of 8 finished runs were made by other code" in refused.err) == (2, True)
    assert command(*arguments, "--rerun-changed").code == 0
    assert [len(asked) for asked in scheduler.asked] == [4, 4, 4, 4]
    assert command(*arguments).code == 0
