import json
from dataclasses import replace

import pytest

import strategies
from core import data
from core.errors import InputError
from studies.design import measurements
from studies.running.trial import execute
from tests.support.records import configurations_of, design_of


def test_what_is_measured_stands_in_the_record_by_name(monkeypatch):
    def named(name: str) -> "measurements.Measure":
        return lambda trained: {"name": name, "n": len(trained.test.y)}

    monkeypatch.setattr("studies.design.measurements.find", named)
    configuration = replace(configurations_of(design_of("dense", seeds=1))[0], measurements=("one", "two"))
    record = execute(configuration, strategies.find("dense"), data.load("digits"))
    assert record["measured"] == {"one": {"name": "one", "n": 360}, "two": {"name": "two", "n": 360}}
    assert record["config"]["measurements"] == ["one", "two"]
    json.dumps(record, allow_nan=False)


def test_a_run_without_measurements_says_nothing_of_them():
    configuration = configurations_of(design_of("dense", seeds=1))[0]
    record = execute(configuration, strategies.find("dense"), data.load("digits"))
    assert "measured" not in record
    assert "measurements" not in record["config"]


def test_a_measurement_that_fails_makes_the_run_fail_with_its_reason(monkeypatch):
    def broken(trained):
        raise ArithmeticError("no clock")

    monkeypatch.setattr("studies.design.measurements.find", lambda name: broken)
    configuration = replace(configurations_of(design_of("dense", seeds=1))[0], measurements=("one",))
    record = execute(configuration, strategies.find("dense"), data.load("digits"))
    assert record["status"] == "error"
    assert "ArithmeticError: no clock" in record["reason"]


def test_a_search_is_not_measured():
    design = design_of("dense", seeds=1, measurements=("pass_time",), test_split="fixed")
    where = design.combinations()[0]
    assert design.configuration(*where, "evaluate", 0).measurements == ("pass_time",)
    assert design.configuration(*where, "search", 0).measurements == ()


@pytest.mark.parametrize("name", measurements.names())
def test_every_measurement_is_found_and_documented(name):
    found = measurements.find(name)
    assert found.__doc__


def test_an_unknown_measurement_is_named_with_the_nearest():
    with pytest.raises(InputError, match="unknown measurement 'pas_time': did you mean 'pass_time'"):
        measurements.find("pas_time")
