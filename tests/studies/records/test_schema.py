"""Which records hold: of every field its type and range, who it belongs to, and what each status needs."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, get_args

import pytest

from core.errors import InputError
from studies.design.configuration import Configuration, content_hash
from studies.records import bits
from studies.records.hits import packed
from studies.records.ledger import Ledger
from studies.records.schema import ENDED, TRAINED, Epoch, Host, Record, Status, finite, problem
from tests.support.records import configurations_of, design_of, record_of

STATUSES: tuple[Status, ...] = get_args(Status)
NUMBERS_OF_NONE = (math.nan, math.inf, -math.inf, "0.5", True, [0.5])
NO_SHARE = (-0.001, 1.001, -3.0, 87.5, *NUMBERS_OF_NONE)
NO_AMOUNT = (-1.0, *NUMBERS_OF_NONE)
NO_LOSS = NUMBERS_OF_NONE
NO_COUNT = (-1, 2.0, math.nan, "2", True)
NO_EPOCH = (0, *NO_COUNT)
NO_WORD = (None, 7, ["dense"], b"dense")

# The examples 5, 7 and 8, of which 5 and 8 were right.
HITS = packed([5, 7, 8], [True, False, True])
NO_HITS: tuple[dict[str, Any], ...] = (
    *({"examples": count} for count in (0, 2, 4, 2.0, "3", None)),
    *({"first": first} for first in (-1, 0.5, None)),
    # Not base64, too short, too long, not from the first test example on, and of other examples.
    *({"among": text} for text in ("", "sA", "é", "sAA=", "AA==", "WA==", "8A==", None)),
    *({"right": text} for text in ("", "oA", "oAA=", "sA==", "AQ==", None)),
    {"more": 1},
)

WRONG: dict[str, tuple[Any, ...]] = {
    "run_id": (*NO_WORD, "", "0123456789abcdef"),
    "family": NO_WORD,
    "gated": (None, 1, "True"),
    "status": (*NO_WORD, "fine", "OK", ""),
    "reason": NO_WORD,
    "dense_macs": (None, 0, *NO_COUNT),
    "chance_error": (None, 0, 0.0, 1.0, *NO_SHARE),
    "config": (None, {}, [], "digits", {"hello": 1}),
    "design_hash": NO_WORD,
    "code": ("abc", {"suite": 7}, {"suite": None}),
    "versions": ("3.11", {"torch": 2.1}),
    "host": ("here", {}, {"name": "here"}),
    "epochs": NO_EPOCH,
    "train_macs": NO_AMOUNT,
    "train_seconds": NO_AMOUNT,
    "history": ("", {}, [{}], [None]),
    "chosen_epoch": (4, *NO_EPOCH),
    "validation_error": NO_SHARE,
    "validation_density": NO_AMOUNT,
    "validation_macs": NO_AMOUNT,
    "test_error": NO_SHARE,
    "test_hits": ("", {}, *({**HITS, **change} for change in NO_HITS)),
    "test_bits": ("", {}, bits.packed([5, 7, 8], [0.5, 1.0, 0.0])),
    "test_loss": NO_LOSS,
    "test_error_fallback": NO_SHARE,
    "test_density": NO_AMOUNT,
    "test_density_fallback": NO_AMOUNT,
    "all_closed": NO_SHARE,
    "dead_blocks": NO_COUNT,
    "gate_entropy": NO_AMOUNT,
    "test_macs": NO_AMOUNT,
    "gates_by_class": (0.5, [0.5], [[0.5]], [[[-1.0]]], [[[math.nan]]], [[["0.5"]]]),
    "measured": ("", [], {"estimator": {}}),
}
WRONG_IN_AN_EPOCH: dict[str, tuple[Any, ...]] = {
    "epoch": (None, 7, *NO_EPOCH),
    "train_loss": NO_LOSS,
    "validation_error": NO_SHARE,
    "validation_loss": NO_LOSS,
    "validation_density": NO_AMOUNT,
    "validation_macs": NO_AMOUNT,
    "train_macs": (None, *NO_AMOUNT),
    "train_seconds": (None, *NO_AMOUNT),
}
# Without these, a run that has the status has not ended as it says.
NEEDED_OF_TRAINED = ("epochs", "train_macs", "train_seconds", "history")
NEEDED_OF_ENDED = ("chosen_epoch", "validation_error", "validation_density", "validation_macs")
NEEDED_OF_TESTED = (
    *("test_error", "test_loss", "test_density", "all_closed", "dead_blocks", "test_macs", "gates_by_class"),
)


@cache
def configuration(strategy: str = "reinforce", seed: int = 0) -> Configuration:
    return configurations_of(design_of(strategy, seeds=seed + 1))[seed]


def record(of: str = "ok", **changes: Any) -> dict[str, Any]:
    """A record of the status ``of``, but for what is changed of it."""
    return {**record_of(configuration(), of, "" if of == "ok" else "because"), **changes}


def without(content: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in content.items() if name not in names}


def cases(wrong: dict[str, tuple[Any, ...]]) -> list[Any]:
    return [pytest.param(name, value, id=f"{name}={value!r}") for name, values in wrong.items() for value in values]


def test_every_field_is_tried():
    assert WRONG.keys() == Record.model_fields.keys()
    assert WRONG_IN_AN_EPOCH.keys() == Epoch.model_fields.keys()


@pytest.mark.parametrize(("name", "value"), cases(WRONG))
def test_a_field_of_another_type_or_out_of_range_is_named(name, value):
    said = problem(record(**{name: value}))
    assert said is not None
    # What does not fit may show where two fields are held against each other.
    assert name in said or (name == "config" and "run_id" in said)


@pytest.mark.parametrize(("name", "value"), cases(WRONG_IN_AN_EPOCH))
def test_a_number_of_an_epoch_of_another_type_or_out_of_range_is_named(name, value):
    history = [dict(epoch) for epoch in record()["history"]]
    history[1][name] = value
    said = problem(record(history=history))
    assert said is not None
    assert "history" in said


@pytest.mark.parametrize("name", Host.model_fields)
def test_a_host_has_all_its_names(name):
    host = record()["host"]
    assert problem(record(host=without(host, name))) == f"host.{name}: Field required"
    assert f"host.{name}" in str(problem(record(host={**host, name: None})))
    assert "host.more" in str(problem(record(host={**host, "more": "x"})))


@pytest.mark.parametrize(
    "changes",
    [
        {"test_error": 0.0, "test_hits": None, "validation_error": 1.0, "all_closed": 0, "test_density": 0},
        # Losses that are not finite, and classes without examples.
        {"history": [{**epoch, "train_loss": None, "validation_loss": None} for epoch in record()["history"]]},
        {"gates_by_class": [[[None, 0.5]]]},
        {"test_error_fallback": None, "test_density_fallback": None, "gate_entropy": None},
        {"reason": "", "design_hash": ""},
        {"dead_blocks": 0, "chosen_epoch": 1},
    ],
)
def test_what_a_run_may_come_to_holds(changes):
    assert problem(record(**changes)) is None


def test_hits_agree_with_the_error_and_stand_beside_one():
    assert problem(record(test_error=1 / 3, test_hits=HITS)) is None
    said = "test_hits are of an error of 0.333333, and test_error is "
    assert problem(record(test_error=0.33, test_hits=HITS)) == f"{said}0.33"
    assert problem({**record("error"), "test_hits": HITS}) == f"{said}None"
    assert problem(without(record(), "test_hits")) is None


@pytest.mark.parametrize("config", [{}, {"dataset": None}, {"dataset": "no_such_dataset"}])
def test_a_configuration_without_a_known_dataset_is_said_and_not_raised(config):
    said = problem(without(record(run_id=content_hash(config), config=config), "test_hits"))
    assert said is not None
    assert "dataset" in said


class TestBits:
    BITS = bits.packed([5, 7, 8], [0.5, 4.0, 3.0])

    @pytest.fixture
    def in_bits(self):
        config = replace(configuration(), dataset="kjv")
        return {
            **record(run_id=config.run_id, config=config.as_dict(), chance_error=4.75, validation_error=2.25),
            "test_error": 2.5,
            "test_error_fallback": None,
            "test_hits": None,
            "test_bits": self.BITS,
        }

    def test_errors_of_text_are_bits_and_agree_with_what_examples_come_to(self, in_bits):
        assert problem(in_bits) is None
        assert problem({**in_bits, "test_error": 2.5004}) is None
        assert problem({**in_bits, "test_error": 2.6}) == "test_bits are of an error of 2.5, and test_error is 2.6"

    def test_hits_are_not_of_bits_nor_bits_of_shares(self, in_bits):
        assert "errors on the dataset are bits" in str(problem({**in_bits, "test_hits": HITS}))
        assert "errors on the dataset are shares" in str(problem(record(test_bits=self.BITS)))

    @pytest.mark.parametrize(
        "change",
        [
            {"examples": 2},
            {"bits": ""},
            {"bits": "ADgAPABC/w=="},
            {"bits": "ADgAvABC"},
            {"bits": "AHwAPABC"},
            {"bits": "é"},
        ],
    )
    def test_bits_that_do_not_hold_are_named(self, in_bits, change):
        said = problem({**in_bits, "test_bits": {**self.BITS, **change}})
        assert said is not None
        assert "test_bits" in said


def test_a_field_that_nobody_knows_is_named():
    assert "test_eror" in str(problem(record(test_eror=0.1)))


@pytest.mark.parametrize("status", STATUSES)
def test_a_record_of_each_status_holds(status):
    assert problem(record(status)) is None


@pytest.mark.parametrize("status", sorted(TRAINED))
@pytest.mark.parametrize("name", NEEDED_OF_TRAINED)
def test_a_run_that_was_trained_says_how(status, name):
    for content in (without(record(status), name), record(status, **{name: None})):
        assert name in str(problem(content))


@pytest.mark.parametrize("status", sorted(ENDED))
@pytest.mark.parametrize("name", [*NEEDED_OF_ENDED, *NEEDED_OF_TESTED])
def test_a_run_that_ended_says_what_it_came_to(status, name):
    for content in (without(record(status), name), record(status, **{name: None})):
        assert problem(content) == f"status is {status}, but {name} is missing"


def test_a_run_of_a_search_has_nothing_of_the_test_split():
    searched = record_of(replace(configuration(), stage="search", test_split="fixed"))
    assert not searched.keys() & set(NEEDED_OF_TESTED)
    assert problem(searched) is None


def test_a_run_that_is_to_be_measured_says_what_was_measured():
    measuring = record_of(replace(configuration(), measurements=("estimator",)))
    assert problem(measuring) == "status is ok, but measured is missing"
    assert problem({**measuring, "measured": {"estimator": {"bias": [0.5, None], "word": "x"}}}) is None
    others: tuple[dict[str, Any], ...] = ({}, {"pass_time": {}}, {"estimator": {}, "pass_time": {}})
    for other in others:
        assert str(problem({**measuring, "measured": other})).startswith("measured is of ")
    for wrong in (math.nan, [0.5, math.inf]):
        measured = {"estimator": {"bias": wrong}}
        assert problem({**measuring, "measured": measured}) == "measured holds a number that is not finite"


@pytest.mark.parametrize("status", sorted(set(STATUSES) - TRAINED))
def test_a_run_that_came_to_nothing_needs_no_numbers(status):
    content = record(status)
    assert not content.keys() & {*NEEDED_OF_TRAINED, *NEEDED_OF_ENDED, *NEEDED_OF_TESTED}
    assert problem(content) is None


def test_a_run_that_went_well_gives_no_reason():
    assert problem(record(reason="it did not")) == "a run whose status is ok gives a reason"


def test_the_history_is_of_every_epoch_once():
    epochs = record()["history"]
    for history in (epochs[:-1], epochs[1:], [epochs[0], *epochs], epochs[::-1]):
        assert problem(record(history=history)) == "history is not of the epochs 1 to 3"


def test_a_number_that_is_not_finite_is_none():
    assert finite({"a": (1, math.nan), "b": [{"c": -math.inf}], "d": "nan"}) == {
        "a": [1, None],
        "b": [{"c": None}],
        "d": "nan",
    }


def literal(content: dict[str, Any], text: bytes) -> bytes:
    """The file of a record in which a text of JSON stands in the place of "HERE"."""
    return json.dumps(content).encode().replace(b'"HERE"', text)


DEEP = b'{"a":' * 2000 + b"1" + b"}" * 2000
Damage = Callable[[dict[str, Any]], Any]
# What a file of a run may hold in place of its record, on purpose or by accident.
DAMAGES: dict[str, Damage | bytes] = {
    "truncated": lambda good: json.dumps(good).encode()[:-9],
    "empty": b"",
    "binary": b"\xff\xfe\x00\x80",
    "with a byte order mark": lambda good: b"\xef\xbb\xbf" + json.dumps(good).encode(),
    "null": b"null",
    "a list": b"[]",
    "a number": b"7",
    "{}": b"{}",
    "nested a hundred thousand times": b"[" * 100_000,
    "nested in the configuration": lambda good: literal({**good, "config": "HERE"}, DEEP),
    "a field missing": lambda good: without(good, "dense_macs"),
    "a field null": lambda good: {**good, "dense_macs": None},
    "a word for a number": lambda good: {**good, "test_error": "low"},
    "a number as a word": lambda good: {**good, "test_error": "0.01"},
    "1e400": lambda good: literal({**good, "test_error": "HERE"}, b"1e400"),
    "1e400 for a whole number": lambda good: literal({**good, "dead_blocks": "HERE"}, b"1e400"),
    "NaN": lambda good: {**good, "test_error": math.nan},
    "what nobody asked to measure": lambda good: {**good, "measured": {"estimator": {"bias": 0.5}}},
    "NaN in the configuration": lambda good: {**good, "config": {**good["config"], "target_density": math.nan}},
    "no test error": lambda good: without(good, "test_error"),
    "a test error of null": lambda good: {**good, "test_error": None},
    "an error below 0": lambda good: {**good, "test_error": -3.0},
    "an error a little below 0": lambda good: {**good, "test_error": -0.5},
    "an error in percent": lambda good: {**good, "test_error": 87.5},
    "the record of another strategy": lambda good: record_of(configuration("dense")),
    "the record of another seed": lambda good: record_of(configuration(seed=1)),
    "another seed's numbers": lambda good: {**record_of(configuration(seed=1)), "run_id": good["run_id"]},
    "a run id of its own": lambda good: {**good, "run_id": "0123456789abcdef"},
    "another seed in the configuration": lambda good: {**good, "config": {**good["config"], "seed": 1}},
    "configuration null": lambda good: {**good, "config": None},
    "configuration {}": lambda good: {**good, "config": {}},
    "another configuration": lambda good: {**good, "config": {"hello": 1}},
    "status fine": lambda good: {**good, "status": "fine"},
    "status OK": lambda good: {**good, "status": "OK"},
    "status ok of a run that failed": lambda good: {**record("error"), "status": "ok", "reason": ""},
    "no multiply-adds": lambda good: {**good, "dense_macs": 0},
    "multiply-adds below 0": lambda good: {**good, "test_macs": -5.0},
    "guessing that is never wrong": lambda good: {**good, "chance_error": 0},
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_file_is_refused_in_one_line_that_names_it(tmp_path: Path, name):
    good = json.loads(json.dumps(record()))
    path = tmp_path / f"{configuration().run_id}.json"
    path.write_text(json.dumps(good), "utf-8")
    ledger = Ledger(tmp_path)
    assert ledger.read(configuration().run_id) == good
    damage = DAMAGES[name]
    content = damage if isinstance(damage, bytes) else damage(good)
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    with pytest.raises(InputError) as caught:
        ledger.read(configuration().run_id)
    said = str(caught.value)
    assert said.startswith(f"{path}: not a readable record (")
    assert said.endswith("; delete it to run it again")
    assert said.isprintable()


def test_a_folder_in_place_of_a_record_is_no_run(tmp_path):
    (tmp_path / f"{configuration().run_id}.json").mkdir()
    assert Ledger(tmp_path).missing([configuration().run_id]) == [configuration().run_id]


def test_records_of_before_without_code_versions_and_host_are_read(tmp_path):
    old = json.loads(json.dumps(without(record(), "code", "versions", "host")))
    (tmp_path / f"{configuration().run_id}.json").write_text(json.dumps(old), "utf-8")
    assert Ledger(tmp_path).read(configuration().run_id) == old


def test_a_record_made_under_another_design_is_read(tmp_path):
    # Designs share runs: the hash says which of them was the first.
    ledger = Ledger(tmp_path)
    ledger.add(record(design_hash="0123456789abcdef"))
    assert ledger.read(configuration().run_id)["design_hash"] == "0123456789abcdef"


def test_code_without_the_suite_or_the_strategy_is_named():
    (configuration,) = configurations_of(design_of("dense", seeds=1))
    record = record_of(configuration)
    for code in ({"strategy": "a"}, {"suite": "a"}, {}):
        assert "expected suite and strategy" in (problem({**record, "code": code}) or "")
    assert problem({**record, "code": {"suite": "a", "strategy": "b"}}) is None
