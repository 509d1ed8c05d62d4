"""What tables, page and study.json say of the code, the versions and the machines that runs are from."""

import json
from typing import Any

import pytest

from studies.records.folder import ResultsFolder
from studies.results.origin import is_mixed, mixed_strategies, origins, sentences
from tests.support.invented import results_of
from tests.support.records import configurations_of, design_of, finished, record_of
from tests.support.reports import report_on

HOST = {"name": "here", "processor": "p", "system": "s", "device": "cpu"}
VERSIONS = {"python": "3.11", "torch": "2.11", "numpy": "2.0"}


def made(
    strategy: str = "dense",
    suite: str | None = "a1",
    source: str = "s1",
    versions: dict[str, str] | None = VERSIONS,
    host: dict[str, str] | None = HOST,
) -> dict[str, Any]:
    """As much of a record as says who made it."""
    code = None if suite is None else {"suite": suite, "strategy": source}
    return {"config": {"strategy": strategy}, "code": code, "versions": versions, "host": host}


UNRECORDED = made(suite=None, versions=None, host=None)


def test_runs_of_one_making_are_said_to_be():
    # Strategies have sources of their own, which is no mixture.
    runs = [made(), made(), made("top_k", source="s2")]
    assert sentences(runs) == [
        "All 3 runs are from one code.",
        "All 3 runs are from one set of versions.",
        "All 3 runs are from one machine.",
    ]
    assert not is_mixed(runs)


def test_runs_of_several_making_are_counted_the_most_first():
    runs = [
        made(suite="b2", versions={**VERSIONS, "torch": "2.12"}, host={**HOST, "name": "there"}),
        made(),
        made(),
        UNRECORDED,
    ]
    assert sentences(runs) == [
        "Runs are from more than one code: 2 of a1, 1 of b2, 1 of unrecorded.",
        "Runs are from more than one set of versions: "
        "2 of python 3.11, torch 2.11, 1 of python 3.11, torch 2.12, 1 of unrecorded.",
        "Runs are from more than one machine: 2 of here, 1 of there, 1 of unrecorded.",
        "Runs of dense are from more than one source of that strategy.",
    ]
    assert is_mixed(runs)


def test_runs_that_say_nothing_of_their_making_are_said_to():
    assert sentences([UNRECORDED, UNRECORDED]) == [
        "None of the 2 runs says from which code it is.",
        "None of the 2 runs says from which set of versions it is.",
        "None of the 2 runs says from which machine it is.",
    ]


def test_one_strategy_of_two_sources_is_named():
    runs = [made(), made("top_k"), made("top_k", source="s2"), made("reinforce", source="s3")]
    assert mixed_strategies(runs) == ["top_k"]
    assert sentences(runs)[0] == "All 4 runs are from one code."
    assert sentences(runs)[-1] == "Runs of top_k are from more than one source of that strategy."
    assert is_mixed(runs)


def test_another_machine_is_no_other_code():
    runs = [made(), made(host={**HOST, "name": "there"}, versions={**VERSIONS, "torch": "2.12"})]
    assert not is_mixed(runs)


@pytest.mark.parametrize("key", ["processor", "system", "device"])
def test_machines_that_differ_in_anything_are_told_apart(key):
    assert len(origins([made(), made(host={**HOST, key: "other"})])["host"]) == 2


def test_origins_give_each_value_and_how_many_runs_have_it():
    runs = [made(), made(), made(suite="b2")]
    assert origins(runs) == {
        "code": [{"value": "a1", "runs": 2}, {"value": "b2", "runs": 1}],
        "versions": [{"value": VERSIONS, "runs": 3}],
        "host": [{"value": HOST, "runs": 3}],
    }


def folder_of(tmp_path, *, other: bool) -> ResultsFolder:
    """A finished study of three seeds, the last of them perhaps of other code."""
    design = design_of("dense", "small_dense")
    folder = finished(tmp_path, design)
    if other:
        for configuration in configurations_of(design)[-2:]:
            record = record_of(configuration)
            code = {**record["code"], "suite": "0123456789abcdef"}
            folder.ledger.add({**record, "code": code, "design_hash": design.design_hash})
    return folder


@pytest.mark.parametrize("other", [False, True], ids=["one code", "two codes"])
def test_the_page_and_study_json_say_where_runs_are_from(tmp_path, other):
    folder = folder_of(tmp_path, other=other)
    page = report_on(folder).read_text("utf-8")
    said = json.loads((folder.path / "study.json").read_text("utf-8"))["runs"]
    today = record_of(configurations_of(folder.frozen().design)[0])["code"]["suite"]
    first = (
        f"Runs are from more than one code: 4 of {today}, 2 of 0123456789abcdef."
        if other
        else "All 6 runs are from one code."
    )
    assert said[0] == first
    assert tuple(said) == folder.frozen().runs
    for sentence in said:
        assert sentence in page


def test_a_table_that_mixes_codes_says_so(tmp_path):
    for other in (False, True):
        folder = folder_of(tmp_path / str(other), other=other)
        report_on(folder)
        caption = (folder.path / "tables" / "summary.tex").read_text("utf-8")
        page = (folder.path / "report.html").read_text("utf-8")
        assert ("more than one code" in caption) == ("more than one code" in page) == other


def test_the_page_of_runs_without_code_says_that_they_have_none(tmp_path):
    design = design_of("dense")
    folder = finished(tmp_path, design)
    for configuration in configurations_of(design):
        old = {
            name: value for name, value in record_of(configuration).items() if name not in ("code", "versions", "host")
        }
        folder.ledger.add({**old, "design_hash": design.design_hash})
    assert "None of the 3 runs says from which code it is." in report_on(folder).read_text("utf-8")


def test_results_in_memory_know_where_they_are_from():
    results = results_of(design_of("dense"), lambda run: record_of(run.configuration))
    assert sentences(results.records)[0] == "All 3 runs are from one code."
