from types import SimpleNamespace

import pytest

from studies.design.configuration import Configuration
from studies.records.ledger import Ledger
from studies.running import estimate
from tests.support.plugins import read_plugin
from tests.support.records import configurations_of, design_of, record_of


@pytest.fixture
def untimed(monkeypatch):
    def fail(*_):
        raise AssertionError("timed, although finished runs say how long it takes")

    monkeypatch.setattr(estimate, "_timed", fail)


def add(ledger: Ledger, configuration: Configuration, seconds: float) -> None:
    ledger.add(record_of(configuration) | {"train_seconds": seconds})


@pytest.mark.usefixtures("untimed")
def test_unfinished_runs_take_as_long_as_finished_ones_of_their_kind(tmp_path):
    ledger = Ledger(tmp_path)
    configurations = configurations_of(design_of("dense", "reinforce", seeds=4))
    for entry in configurations[:6]:
        add(ledger, entry, (2.0 if entry.strategy == "dense" else 30.0) + entry.seed)
    expected = estimate.STARTUP_SECONDS + estimate.OVERHEAD * (3.0 + 31.0)
    assert estimate.seconds(configurations, ledger, (), 1) == pytest.approx(expected)


@pytest.mark.usefixtures("untimed")
def test_more_at_once_take_less_time(tmp_path):
    ledger = Ledger(tmp_path)
    configurations = configurations_of(design_of("dense", seeds=9))
    add(ledger, configurations[0], 100.0)
    training = [estimate.seconds(configurations, ledger, (), n) - estimate.STARTUP_SECONDS for n in (1, 2, 4)]
    assert training == pytest.approx([training[0], training[0] / 2, training[0] / 4])


@pytest.mark.usefixtures("untimed")
def test_a_finished_study_takes_no_time(tmp_path):
    ledger = Ledger(tmp_path)
    configurations = configurations_of(design_of("dense", seeds=2))
    for entry in configurations:
        add(ledger, entry, 100.0)
    assert estimate.seconds(configurations, ledger, (), 1) == 0.0


@pytest.mark.parametrize("epochs", [10, 10_000])
def test_a_kind_without_finished_runs_is_timed_and_scaled_to_all_its_epochs(tmp_path, monkeypatch, epochs):
    trained = []

    def timed(strategy, settings, architecture, splits, streams, training, *, density):
        trained.append((len(splits.train.y), training.epochs))
        return SimpleNamespace(history=[SimpleNamespace(train_seconds=seconds) for seconds in (5.0, 5.6)])

    monkeypatch.setattr(estimate, "train", timed)
    training = {"epochs": epochs, "batch_size": 20}
    configurations = configurations_of(design_of("dense", seeds=1, training=training))
    found = estimate.seconds(configurations, Ledger(tmp_path), (), 1)
    # 12 steps of the second epoch took 0.6 s; 1,257 digits are to train on, in 63 steps an epoch.
    assert trained == [(12 * 20, 2)]
    assert found == pytest.approx(estimate.STARTUP_SECONDS + estimate.OVERHEAD * 0.05 * 63 * epochs)


def test_a_kind_without_finished_runs_takes_time(tmp_path):
    configurations = configurations_of(design_of("dense", seeds=1, training={"epochs": 10}))
    assert estimate.seconds(configurations, Ledger(tmp_path), (), 1) > estimate.STARTUP_SECONDS


def test_only_errors_so_far_are_no_measure(tmp_path):
    ledger = Ledger(tmp_path)
    configurations = configurations_of(design_of("dense", seeds=2))
    ledger.add(record_of(configurations[0], "error"))
    assert estimate.seconds(configurations, ledger, (), 1) > estimate.STARTUP_SECONDS


@pytest.mark.parametrize("fault", ["raise RuntimeError('not yet')", "batch.no_such_thing", "return 1"])
def test_a_strategy_that_fails_does_not_stop_the_estimate(tmp_path, fault):
    plugins = (read_plugin(tmp_path, body=f"        {fault}\n"),)
    configurations = configurations_of(design_of("dense", "of_mine", seeds=1, plugins=plugins))
    assert estimate.seconds(configurations, Ledger(tmp_path / "runs"), plugins, 1) > 0


def test_estimating_leaves_the_number_of_threads_alone(tmp_path):
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        estimate.seconds(configurations_of(design_of("dense", seeds=1)), Ledger(tmp_path), (), 1)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
