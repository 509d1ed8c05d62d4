import json

import pytest
import torch

from core.network.fully_connected import FullyConnectedNetwork
from core.training.probe import exact_gradient
from studies.catalogue.variance import measure_estimator as estimator
from tests.support.trained import STREAMS, subject_of


@pytest.fixture(autouse=True)
def few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimator, "DRAWS", 40)
    monkeypatch.setattr(estimator, "EXAMPLES", 20)


def test_penalties_and_entropy_do_not_count_but_settings_of_the_estimator_do():
    plain = estimator.measure(subject_of("reinforce", lambda_s=0, lambda_v=0))["initial"]
    assert estimator.measure(subject_of("reinforce", lambda_s=50, lambda_v=3, entropy=2))["initial"] == plain
    several = estimator.measure(subject_of("reinforce", baseline="samples", samples=8))["initial"]
    assert several["relative_variance"] < plain["relative_variance"]
    assert several["gradient"] == plain["gradient"]


def test_before_training_is_the_network_that_training_began_with():
    trained = subject_of("straight_through", epochs=2)
    network = FullyConnectedNetwork(trained.network.architecture)
    network.reset(lambda part: STREAMS.torch("initialisation", part), trained.density)
    found = estimator.measure(trained)
    for when, probed in (("initial", network), ("trained", trained.network)):
        exact = exact_gradient(probed, trained.train.x[:20], trained.train.y[:20])
        assert found[when]["gradient"] == pytest.approx(float(exact.norm()))
    assert found["initial"]["gradient"] != found["trained"]["gradient"]


def test_bias_is_told_from_chance(monkeypatch):
    monkeypatch.setattr(estimator, "DRAWS", 400)
    unbiased = estimator.measure(subject_of("local_expectation", epochs=2))["trained"]
    biased = estimator.measure(subject_of("straight_through", epochs=2))["trained"]
    assert unbiased["relative_bias"] < 3 * unbiased["bias_by_chance"]
    assert biased["relative_bias"] > 3 * biased["bias_by_chance"]
    assert unbiased["bias_by_chance"] == pytest.approx((unbiased["relative_variance"] / 400) ** 0.5)


def test_parameters_of_the_strategys_own_are_those_after_training():
    trained = subject_of("reinforce", epochs=3, baseline="learned")
    first = estimator.measure(trained)
    assert first == estimator.measure(trained)
    json.dumps(first, allow_nan=False)
    predicted = trained.strategy.get_submodule("predicted_cost")
    before = predicted.state_dict()["bias"].clone()
    with torch.no_grad():
        predicted.state_dict()["bias"].add_(100.0)
    try:
        changed = estimator.measure(trained)
    finally:
        predicted.state_dict()["bias"].copy_(before)
    assert changed["initial"] == first["initial"]
    assert changed["trained"]["relative_variance"] > 100 * first["trained"]["relative_variance"]


@pytest.mark.parametrize("gates", ["bernoulli", "exactly_k", "tree"])
def test_two_layers_of_any_gates_are_measured(gates):
    found = estimator.measure(subject_of("reinforce", network="4x4,4x4", gates=gates, balance=1))["initial"]
    assert found["relative_bias"] < 2 * found["bias_by_chance"]


@pytest.mark.parametrize(
    ("strategy", "network"), [("dense", "4x4"), ("top_k", "4x4"), ("reinforce", "6x4,6x4"), ("reinforce", "16x2")]
)
def test_what_cannot_be_enumerated_is_left_out(strategy, network):
    assert estimator.measure(subject_of(strategy, network=network)) == {}
