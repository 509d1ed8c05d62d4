from dataclasses import replace

import pytest

from studies import catalogue
from studies.design import Search, Sweep
from studies.design.study import SCALES

pytestmark = pytest.mark.usefixtures("without_figures")


def test_the_command_runs_the_search_then_its_winners(command, scheduler, monkeypatch):
    sweep = Sweep(
        seeds=3,
        strategies=("dense", "reinforce"),
        datasets=("digits",),
        networks=("8x2",),
        training={"epochs": 2},
        search=Search(points=3, seeds=1, searches=2),
        test_split="fixed",
        references=(),
    )
    study = replace(catalogue.find("quickstart"), scales=dict.fromkeys(SCALES, sweep))
    monkeypatch.setattr(catalogue, "find", lambda name: study)
    first = command("run", "quickstart", "--results", str(command.results))
    assert (first.code, first.err) == (0, "")
    assert len(scheduler.asked) == 2
    assert len(scheduler.asked[0]) == 2 * 3 * 2
    assert "quickstart (default, search): 12 runs, 0 already done, 12 to run" in first.out
    again = command("run", "quickstart", "--results", str(command.results))
    assert "nothing to run" in again.out
    assert len(scheduler.asked) == 2
    more = command("run", "quickstart", "--points", "4", "--searches", "3", "--results", str(command.results))
    assert more.code == 0
    assert len(scheduler.asked[2]) == 2 * (4 * 3 - 3 * 2)
    asked = command("run", "quickstart", "--tuning-seeds", "2", "--dry-run", "--results", str(command.results))
    assert "24 runs of the search and up to 12 of its winners" in asked.out


def test_a_study_without_a_search_has_no_points_to_choose(command):
    done = command.study("--points", "4")
    assert done.code == 2
    unsearched = "quickstart runs every strategy at its settings, unsearched"
    assert done.err == f"error: --points, --tuning-seeds, --searches: {unsearched}\n"
