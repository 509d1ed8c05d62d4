import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import strategies
from core import data
from core.data import split
from core.errors import InputError
from core.seeding import SeedStreams
from studies.design.configuration import Configuration
from studies.records import provenance
from studies.records.hits import unpacked
from studies.running.trial import execute
from tests.support.plugins import read_plugin
from tests.support.records import configurations_of, design_of, record_of


def run(configuration: Configuration, plugins: tuple[strategies.Plugin, ...] = ()) -> dict[str, Any]:
    strategy = strategies.find(configuration.strategy, plugins)
    return execute(configuration, strategy, data.load(configuration.dataset))


def configuration_of(
    strategy: str, *, seed: int = 0, plugins: tuple[strategies.Plugin, ...] = (), **changes: Any
) -> Configuration:
    return configurations_of(design_of(strategy, seeds=seed + 1, plugins=plugins, **changes))[seed]


def without_seconds(record: dict[str, Any]) -> dict[str, Any]:
    history = [{key: epoch[key] for key in epoch if key != "train_seconds"} for epoch in record["history"]]
    return {key: value for key, value in record.items() if key != "train_seconds"} | {"history": history}


def faulty(tmp_path: Path, body: str, **changes: Any) -> dict[str, Any]:
    plugins = (read_plugin(tmp_path, body=f"        {body}\n"),)
    return run(configuration_of("of_mine", plugins=plugins, **changes), plugins)


@pytest.mark.parametrize("strategy", ["dense", "straight_through"])
def test_a_record_is_plain_data_that_json_gives_back(strategy):
    record = run(configuration_of(strategy))
    assert json.loads(json.dumps(record, allow_nan=False)) == record
    assert record["status"] == "ok"
    assert record["reason"] == ""


@pytest.mark.parametrize("strategy", ["dense", "straight_through"])
def test_the_invented_records_of_these_tests_are_like_real_ones(strategy):
    configuration = configuration_of(strategy, networks=("8x2,8x4",))
    # As the process that executes it hands it over.
    real, invented = run(configuration) | provenance.of(configuration, (), "cpu"), record_of(configuration)
    assert real.keys() == invented.keys()
    assert real["history"][0].keys() == invented["history"][0].keys()
    for key, value in real.items():
        assert type(invented[key]) is type(value), key
        if not isinstance(value, float | list) and key not in {"dead_blocks", "chosen_epoch", "test_hits"}:
            assert invented[key] == value, key
    shapes = [[len(real["gates_by_class"][layer]), len(real["gates_by_class"][layer][0])] for layer in (0, 1)]
    assert shapes == [[10, 8], [10, 8]]


def test_a_run_gives_the_same_record_again():
    configuration = configuration_of("reinforce")
    assert without_seconds(run(configuration)) == without_seconds(run(configuration))


def test_seeds_give_different_runs():
    assert run(configuration_of("reinforce"))["history"] != run(configuration_of("reinforce", seed=1))["history"]


def test_strategies_of_a_seed_share_their_split():
    dense, small = (run(configuration_of(name, training={"epochs": 1})) for name in ("dense", "small_dense"))
    assert dense["dense_macs"] == small["dense_macs"]
    assert small["test_macs"] < dense["test_macs"] == dense["dense_macs"]


def test_measures_are_shares_and_counts():
    record = run(configuration_of("straight_through", networks=("8x2,8x4",)))
    for name in ("validation_error", "test_error", "test_error_fallback", "test_density", "all_closed"):
        assert 0 <= record[name] <= 1, name
    assert record["chance_error"] == pytest.approx(0.9)
    assert record["dense_macs"] == 64 * 16 + 16 * 32 + 32 * 10
    assert record["epochs"] == len(record["history"]) == 3
    assert 1 <= record["chosen_epoch"] <= 3
    assert record["validation_error"] == record["history"][record["chosen_epoch"] - 1]["validation_error"]


@pytest.mark.parametrize("test_split", ["resampled", "fixed"])
def test_a_record_says_which_examples_of_the_dataset_it_was_right_on(test_split):
    records = [
        run(configuration_of("small_dense", seed=seed, training={"epochs": 1}, test_split=test_split))
        for seed in (0, 1)
    ]
    found = [unpacked(record["test_hits"]) for record in records]
    dataset = data.load("digits")
    for seed, (indices, right) in enumerate(found):
        parts = split(dataset, SeedStreams(0, "evaluate", "digits", seed), test_split)
        assert parts.test_indices is not None
        assert indices.tolist() == sorted(parts.test_indices.tolist())
        assert 1 - right.mean() == pytest.approx(records[seed]["test_error"])
    assert np.array_equal(found[0][0], found[1][0]) == (test_split == "fixed")


def test_a_search_sees_no_test_split():
    configuration = replace(configuration_of("reinforce"), stage="search", test_split="fixed")
    record = run(configuration)
    assert record["status"] == "ok"
    assert record["validation_error"] < 1
    assert not [key for key in record if key.startswith("test_")]


def test_an_error_inside_a_strategy_becomes_a_record_that_says_where(tmp_path):
    record = faulty(tmp_path, "raise RuntimeError('out of luck')")
    assert record["status"] == "error"
    assert record["reason"] == f"RuntimeError: out of luck ({tmp_path}/of_mine.py:15)"
    assert record["config"]["strategy"] == "of_mine"
    assert record["dense_macs"] > 0
    assert record["chance_error"] == pytest.approx(0.9)
    assert "test_error" not in record


def test_a_broken_protocol_becomes_a_record(tmp_path):
    record = faulty(tmp_path, "done = batch(open_all); return done.loss, done")
    assert record["status"] == "error"
    assert record["reason"].startswith("ProtocolError: objective must return a scalar")


def test_a_loss_that_is_no_number_becomes_a_record_with_its_history(tmp_path):
    record = faulty(tmp_path, "done = batch(open_all); return done.mean_loss() * float('nan'), done")
    assert (record["status"], record["reason"]) == ("nan", "objective is nan in epoch 1")
    assert record["epochs"] == len(record["history"]) == 1
    assert "test_error" not in record


def test_a_failed_record_is_plain_data_too(tmp_path):
    record = faulty(tmp_path, "done = batch(open_all); return done.mean_loss() * float('nan'), done")
    assert record.keys() | {"code", "versions", "host"} == record_of(configuration_of("dense"), "nan").keys()
    assert json.loads(json.dumps(record))["run_id"] == record["run_id"]


def test_a_loss_that_explodes_becomes_a_record(tmp_path):
    climb = "done = batch(open_all); return -done.mean_loss(), done"
    record = faulty(tmp_path, climb, training={"epochs": 5, "learning_rate": 1.0})
    assert record["status"] == "diverged"
    assert record["reason"].startswith("training loss ")


def test_unknown_settings_never_reach_a_run():
    with pytest.raises(InputError):
        configuration_of("dense", training={"epoch": 1})


@pytest.mark.parametrize("strategy", ["dense", "straight_through"])
def test_a_run_on_colour_pictures_is_recorded(publisher, tmp_path, strategy):
    publisher.write("cifar10", tmp_path)
    (configuration,) = configurations_of(
        design_of(
            strategy, seeds=1, datasets=("cifar10",), densities=(0.5,), training={"epochs": 2, "density_tolerance": 1.0}
        )
    )
    record = execute(configuration, strategies.find(strategy), data.load("cifar10", tmp_path))
    assert (record["status"], record["reason"]) == ("ok", "")
    assert record["dense_macs"] == 3072 * 16 + 16 * 10
    assert record["chance_error"] == pytest.approx(0.9)
    assert 0 <= record["test_error"] <= 1
    assert json.loads(json.dumps(record, allow_nan=False)) == record
