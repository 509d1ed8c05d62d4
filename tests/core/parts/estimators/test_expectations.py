"""The expectation of every estimator, over everything that it can draw, against the exact gradient."""

from typing import Any

import pytest
import torch
from torch import Tensor

import strategies
from core.network.fully_connected import FullyConnectedNetwork
from core.parts.drawn import DrawnStrategy
from core.parts.estimators import antithetic, local_expectation, sparse_mixer
from tests.support.enumeration import Odometer, exact_gradient, expected_gradient, relative_error, sensitive_network
from tests.support.networks import FEATURES, normal, seeded

# Of the exact gradient's length.
ROUNDING = 1e-10
# Networks of one and two layers, and a density, in which few things can be drawn; of exactly k, 2 of 4 and 1 of 2.
SHAPES = {
    "bernoulli": (("2x2", "2x2,2x2"), 0.5),
    "exactly_k": (("4x2", "2x2,2x2"), 1 / 2),
    "tree": (("4x1", "4x1,2x2"), 1 / 4),
}


def strategy_of(name: str, network: FullyConnectedNetwork, gates: str, **settings: Any) -> DrawnStrategy:
    strategy_type = strategies.find(name)
    none = {key: 0.0 for key in ("lambda_s", "lambda_v", "density_price_rate", "balance") if key in strategy_type.space}
    strategy = strategy_type(network.architecture, {**none, "gates": gates, **settings}, seeded()).double()
    assert isinstance(strategy, DrawnStrategy)
    return strategy


def error_of(
    name: str,
    gates: str,
    layers: int,
    rows: int,
    odometer: Odometer | None = None,
    *,
    scale: float = 1,
    shape: str | None = None,
    **settings: Any,
) -> float:
    """How far the expected gradient is from the exact one, relative to it."""
    shapes, density = SHAPES[gates]
    network = sensitive_network(shape or shapes[layers - 1])
    x, y = normal(rows, FEATURES, seed=4), torch.arange(rows) + 1
    strategy = strategy_of(name, network, gates, **settings)
    found = scale * expected_gradient(strategy, network, x, y, density, odometer)
    return relative_error(found, exact_gradient(gates, network, x, y, density))


UNBIASED = [
    *(
        ("reinforce", gates, rows, {"baseline": baseline, "samples": 2})
        for gates in SHAPES
        for baseline, rows in (("none", 1), ("batch_mean", 2), ("samples", 1), ("learned", 1))
    ),
    ("local_expectation", "bernoulli", 2, {}),
    ("local_expectation", "tree", 2, {}),
]


def test_two_of_four_blocks_in_the_first_of_two_layers_are_learned_without_bias():
    assert error_of("reinforce", "exactly_k", 2, 1, shape="4x2,2x2", baseline="samples", samples=2) < ROUNDING


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize(("name", "gates", "rows", "settings"), UNBIASED)
def test_an_estimator_that_claims_to_be_unbiased_is(name, gates, rows, settings, layers):
    assert error_of(name, gates, layers, rows, **settings) < ROUNDING


@pytest.mark.parametrize("layers", [1, 2])
def test_antithetic_pairs_are_unbiased(layers, monkeypatch):
    odometer = Odometer()
    monkeypatch.setattr(antithetic, "uniform_like", odometer.uniform)
    assert error_of("disarm", "bernoulli", layers, 1, odometer) < ROUNDING


@pytest.mark.parametrize(("name", "gates", "rows", "settings"), UNBIASED)
def test_a_hundredth_too_little_is_found(name, gates, rows, settings):
    assert error_of(name, gates, 1, rows, scale=0.99, **settings) > ROUNDING


def test_gates_of_later_layers_that_do_not_answer_to_a_flip_are_found(monkeypatch):
    honest = local_expectation._outcomes

    def unanswered(*given: Any) -> tuple[Tensor, Tensor]:
        costs, later = honest(*given)
        return costs, torch.zeros_like(later)

    monkeypatch.setattr(local_expectation, "_outcomes", unanswered)
    assert error_of("local_expectation", "bernoulli", 2, 1) > 0.01
    assert error_of("local_expectation", "bernoulli", 1, 1) < ROUNDING


def test_the_minimum_of_the_batch_is_biased():
    assert error_of("reinforce", "bernoulli", 1, 2, baseline="batch_minimum") > 0.1


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("gates", SHAPES)
@pytest.mark.parametrize("correction", ["plain", "reinmax", "gapped"])
def test_straight_through_is_biased(correction, gates, layers):
    assert 0.005 < error_of("straight_through", gates, layers, 1, correction=correction) < 2


@pytest.mark.parametrize("gates", SHAPES)
def test_sparse_mixer_is_biased(gates, monkeypatch):
    odometer = Odometer()
    monkeypatch.setattr(sparse_mixer, "uniform_like", odometer.coin)
    assert 0.005 < error_of("straight_through", gates, 1, 1, odometer, correction="sparse_mixer") < 2


@pytest.mark.parametrize("gates", ["bernoulli", "tree"])
def test_reinmax_has_less_bias_than_the_plain_estimator_where_the_loss_is_curved(gates):
    plain, reinmax = (error_of("straight_through", gates, 1, 1, correction=each) for each in ("plain", "reinmax"))
    assert reinmax < plain
