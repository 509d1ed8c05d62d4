"""Runs on development examples, by which defaults are chosen: no verdict comes of them, and nothing to publish."""

import json
from dataclasses import replace
from typing import Any

import pytest

from studies import catalogue
from studies.design import Primary, Search, Sweep

SWEEP = Sweep(
    seeds=4,
    strategies=("dense", "reinforce"),
    datasets=("digits",),
    networks=("8x2",),
    training={"epochs": 2},
    references=(),
    primary=(Primary("reinforce", "dense"),),
    looks=(4, 6),
)


@pytest.fixture
def study(monkeypatch):
    def with_sweep(**changes: Any) -> None:
        found = replace(catalogue.find("quickstart"), scales={"default": replace(SWEEP, **changes)})
        monkeypatch.setattr(catalogue, "find", lambda name: found)

    with_sweep()
    return with_sweep


def run(command, *options: str):
    return command("run", "quickstart", "--results", str(command.results), *options)


def splits(command) -> list[str]:
    """What the runs in the results were tested on, one entry each."""
    files = (command.results / "quickstart").rglob("*.json")
    records = [json.loads(file.read_text("utf-8")) for file in files]
    return [record["config"]["test_split"] for record in records if "run_id" in record]


def test_every_run_is_tested_on_development_examples_and_none_has_a_verdict(command, scheduler, without_figures, study):
    done = run(command, "--develop")
    assert (done.code, done.err) == (0, "")
    assert splits(command) == 8 * ["development"]
    page = (command.results / "quickstart" / "report.html").read_text("utf-8")
    assert "tested on the development examples" in page
    assert "none: tested on development examples" in page


def test_they_are_other_runs_than_those_of_the_study(command, scheduler, without_figures, study):
    run(command)
    done = run(command, "--develop")
    assert done.code == 0
    assert sorted(splits(command)) == 8 * ["development"] + 8 * ["resampled"]


def test_a_search_may_be_one_too(command, scheduler, without_figures, study):
    study(test_split="fixed", search=Search(points=2), looks=(), primary=())
    done = run(command, "--develop")
    assert done.code == 0
    assert set(splits(command)) == {"development"}


def test_they_are_not_published(command, scheduler, without_figures, study, tmp_path):
    run(command, "--develop")
    done = command("report", "quickstart", "--results", str(command.results), "--publish", str(tmp_path / "site"))
    assert done.code == 2
    assert "quickstart: was run with --develop" in done.err
    assert len(done.err.splitlines()) == 1
    assert not (tmp_path / "site").exists()


def test_they_decide_nothing_so_no_seeds_are_added(command, scheduler, study):
    done = run(command, "--develop", "--until-decided")
    assert done.code == 2
    assert "--until-decided and --develop" in done.err
    assert scheduler.asked == []
