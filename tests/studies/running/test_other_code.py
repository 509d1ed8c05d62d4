"""Which finished runs were made by other code than today's, and what is said of them."""

from typing import Any

import pytest

from core.errors import InputError
from studies.design import Arm
from studies.design.freezing import FrozenStudy
from studies.design.runs import RunList
from studies.records.folder import ResultsFolder
from studies.running.other_code import OtherCode, runs_of_other_code
from tests.support.plugins import PLUGIN, read_plugin
from tests.support.records import configurations_of, design_of, finished, forget

DESIGN = design_of("dense", "reinforce")
RUNS = configurations_of(DESIGN)


def found_in(folder: ResultsFolder, design: FrozenStudy = DESIGN) -> OtherCode:
    return runs_of_other_code(RunList.of(design, folder.ledger), folder.ledger, ())


def change(folder: ResultsFolder, run_id: str, **changes: Any) -> None:
    """Write a finished run's record again, with other parts of its code; None for no code."""
    record = folder.ledger.read(run_id)
    code = None if None in changes.values() else {**record["code"], **changes}
    folder.ledger.add({**record, "code": code})


@pytest.fixture
def folder(tmp_path):
    return finished(tmp_path, DESIGN)


def test_runs_of_today_are_of_no_other_code(folder):
    found = found_in(folder)
    assert not found
    assert (found.runs, found.finished) == ({}, 6)


def test_runs_are_named_with_what_of_their_code_differs(folder):
    change(folder, RUNS[0].run_id, suite="x")
    change(folder, RUNS[1].run_id, suite="x", strategy="y")
    change(folder, RUNS[3].run_id, strategy="y")
    change(folder, RUNS[4].run_id, suite=None)
    found = found_in(folder)
    assert found
    assert found.runs == {
        RUNS[0].run_id: ("suite",),
        RUNS[1].run_id: ("suite", "strategy"),
        RUNS[3].run_id: ("strategy",),
        RUNS[4].run_id: ("unrecorded",),
    }
    assert found.sentence() == (
        "4 of 6 finished runs were made by other code "
        "(kernels, core or the trial in 2, their strategy in 2, code that was not recorded in 1)"
    )


def test_a_run_that_is_not_finished_is_not_counted(folder):
    change(folder, RUNS[0].run_id, suite="x")
    forget(folder, RUNS[0].run_id)
    assert (found_in(folder).runs, found_in(folder).finished) == ({}, 5)


def test_runs_that_the_study_does_not_ask_for_are_not_looked_at(folder):
    change(folder, RUNS[-1].run_id, suite="x")
    assert found_in(folder)
    assert not found_in(folder, design_of("dense", "reinforce", seeds=2))
    assert not found_in(folder, design_of("dense"))


def test_a_run_that_two_arms_share_counts_once(tmp_path):
    arms = (Arm("one", "dense"), Arm("other", "dense"))
    design = design_of("dense", arms=arms, seeds=1)
    folder = finished(tmp_path, design)
    assert len(RunList.of(design, folder.ledger).runs) == 3
    assert found_in(folder, design).finished == 1


def test_other_measurements_are_other_code_of_the_runs_that_take_them(tmp_path):
    design = design_of("dense", seeds=1, measurements=("pass_time",))
    folder = ResultsFolder(tmp_path, design.study)
    run = configurations_of(design)[0]
    plain = finished(tmp_path / "plain", design_of("dense", seeds=1)).ledger.read(RUNS[0].run_id)
    today = {**plain, "run_id": run.run_id, "config": run.as_dict(), "measured": {"pass_time": {}}}
    folder.ledger.add(today)
    # It says nothing of its measurements.
    assert found_in(folder, design).runs == {run.run_id: ("measurements",)}
    assert found_in(folder, design).sentence().endswith("by other code (their measurements in 1)")


def test_a_plugin_that_was_edited_has_runs_of_its_own(tmp_path):
    old, new = (read_plugin(tmp_path, text=text) for text in (PLUGIN, f"{PLUGIN}# edited\n"))
    folder = finished(tmp_path, design_of("of_mine", plugins=(old,)), plugins=(old,))
    for plugin, done in ((old, 3), (new, 0)):
        planned = RunList.of(design_of("of_mine", plugins=(plugin,)), folder.ledger)
        found = runs_of_other_code(planned, folder.ledger, (plugin,))
        assert (found.runs, found.finished) == ({}, done)


def test_a_damaged_record_is_named(folder):
    path = folder.path / "runs" / f"{RUNS[2].run_id}.json"
    path.write_text("{}", "utf-8")
    with pytest.raises(InputError, match="not a readable record") as caught:
        found_in(folder)
    assert str(path) in str(caught.value)
