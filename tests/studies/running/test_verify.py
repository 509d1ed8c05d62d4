import copy
import json
from typing import Any

import pytest

from core.errors import InputError
from studies.design.configuration import Configuration
from studies.records.folder import ResultsFolder
from studies.running import verify
from studies.running.verify import Finished, compare, finished_runs, sample
from tests.support.plugins import read_plugin
from tests.support.records import configurations_of, design_of, finished, forget, record_of

HOST = {"name": "here", "processor": "fast", "system": "Linux", "device": "cpu"}
ORIGIN: dict[str, Any] = {"code": {"suite": "a", "strategy": "b"}, "versions": {"torch": "2"}, "host": HOST}
ELSEWHERE: dict[str, Any] = {**ORIGIN, "host": {**HOST, "name": "there"}}


def configuration_of(strategy: str = "reinforce") -> Configuration:
    return configurations_of(design_of(strategy, seeds=1))[0]


def record(origin: dict[str, Any] = ORIGIN, status: str = "ok", reason: str = "") -> dict[str, Any]:
    plain: dict[str, Any] = json.loads(json.dumps({**record_of(configuration_of(), status, reason), **origin}))
    return plain


def compared(one: dict[str, Any], other: dict[str, Any]) -> verify.Verified:
    return compare(Finished(configuration_of(), "reinforce", one), other)


def test_times_and_the_design_are_not_compared():
    other = record()
    other["train_seconds"] *= 7
    other["history"][0]["train_seconds"] *= 7
    other["measured"] = {"batch_latency": {"calls": [{"own_processor_seconds": [1.0], "batch": 8}]}}
    one = copy.deepcopy(other)
    one["measured"]["batch_latency"]["calls"][0]["own_processor_seconds"] = [2.0]
    one["train_seconds"] *= 3
    one["design_hash"] = "of the study"
    found = compared(one, other)
    assert (found.agrees, found.identical, found.words, found.origin) == (True, True, "identical", "")


def test_where_nothing_is_other_the_last_bit_counts():
    other = record()
    other["test_loss"] *= 1 + 2**-52
    found = compared(record(), other)
    assert not found.agrees
    assert found.words.startswith("differs: test_loss ")
    assert found.origin == ""


def test_where_the_machine_is_another_every_number_may_differ_by_a_thousandth():
    other = record(ELSEWHERE)
    other["test_loss"] *= 1.0009
    other["history"][1]["train_loss"] *= 0.9991
    other["gates_by_class"][0][0][0] *= 1.0009
    found = compared(record(), other)
    assert (found.agrees, found.identical) == (True, False)
    assert found.sentence().endswith("seed 0: every number within 0.1 % (made with another machine)")


def test_where_versions_are_others_half_a_point_of_the_error_is_enough():
    other = record({**ORIGIN, "versions": {"torch": "3"}})
    other["test_error"] = record()["test_error"] + 0.0049
    other["history"][0]["train_loss"] *= 2
    other["chosen_epoch"] = 1
    found = compared(record(), other)
    assert found.agrees
    assert "test error" in found.words
    assert found.words.endswith("within 0.5 points")
    assert found.origin == "other versions"
    other["test_error"] = record()["test_error"] + 0.0051
    assert not compared(record(), other).agrees


def test_another_status_never_agrees():
    assert not compared(record(), {**record(ELSEWHERE), "status": "over_budget", "reason": "too dense"}).agrees


def test_runs_of_other_code_are_said_to_be_so():
    other = record({**ORIGIN, "code": {"suite": "x", "strategy": "y"}})
    assert compared(record(), other).origin == "other kernels, core or trial, another source of its strategy"
    old = {key: value for key, value in record().items() if key not in ORIGIN}
    found = compared(old, record())
    assert found.agrees
    assert (
        found.origin == "code that was not recorded, versions that were not recorded, a machine that was not recorded"
    )


def test_of_a_reason_the_place_in_a_file_is_not_compared():
    one, other = (
        record(status="error", reason=f"ValueError: no ({file}:{line})") for file, line in (("a", 1), ("b", 2))
    )
    assert compared(one, other).identical
    assert not compared(one, record(status="error", reason="ValueError: yes (a:1)")).agrees


def test_what_is_missing_is_a_difference():
    other = record(ELSEWHERE)
    del other["test_error"]
    found = compared(record(), other)
    assert not found.agrees
    assert "test_error" in found.words
    assert "is nothing" in found.words


def test_many_differences_take_one_line():
    other = record()
    other["history"] = [{key: value + 1 for key, value in epoch.items()} for epoch in other["history"]]
    words = compared(record(), other).words
    assert words.count(";") == 3
    assert words.endswith("more")


def test_the_sample_is_the_same_every_time_and_as_large_as_asked(tmp_path):
    design = design_of(seeds=20)
    runs = finished_runs(design, finished(tmp_path, design).ledger)
    assert sample(runs, 5, 0) == sample(runs, 5, 0) != sample(runs, 5, 1)
    assert len(sample(runs, 5, 0)) == 5
    assert sample(runs, 100, 0) == sample(runs, None, 0) == runs


def test_runs_that_ran_out_of_time_or_are_missing_are_not_drawn(tmp_path):
    design = design_of("dense", seeds=3)
    folder = finished(tmp_path, design, {("dense", 1): "timeout"})
    first, _, last = configurations_of(design)
    forget(folder, first.run_id)
    assert [run.configuration for run in finished_runs(design, folder.ledger)] == [last]
    forget(folder, last.run_id)
    with pytest.raises(InputError, match="but 1 that ran out of time or memory"):
        finished_runs(design, folder.ledger)


def test_without_a_finished_run_there_is_nothing_to_verify(tmp_path):
    with pytest.raises(InputError, match="no run is finished yet"):
        finished_runs(design_of("dense"), ResultsFolder(tmp_path, "quickstart").ledger)


def test_a_run_that_ends_its_process_differs_and_the_next_one_is_verified(tmp_path):
    plugins = (read_plugin(tmp_path, body="        import os\n        os._exit(7)\n"),)
    design = design_of("of_mine", "dense", seeds=1, plugins=plugins, training={"epochs": 1})
    folder = finished(tmp_path / "results", design, plugins=plugins)
    mine, dense = verify.verify(finished_runs(design, folder.ledger), plugins)
    assert (mine.agrees, mine.words) == (False, "differs: it died: it ended its process with exit code 7")
    assert not dense.agrees
    assert dense.words.startswith("differs: ")
