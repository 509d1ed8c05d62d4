"""Estimators in a transformer, where a gate changes the losses of later positions too."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import grad

import strategies
from core.network.transformer import TransformerNetwork
from core.parts.drawn import DrawnStrategy
from core.training.batch import CountedBatch
from tests.core.network.small_transformers import letters, transformer_of
from tests.support.enumeration import Odometer, all_forced, expected_gradient, gater_parameters, relative_error
from tests.support.networks import seeded

ROUNDING = 1e-10
# One of two blocks is open at each of two positions in each of two layers: 16 sets of gates.
TOY = "transformer:layers=2,width=4,heads=2,context=2,blocks=2x2"
DENSITY, POSITIONS, LAYERS = 1 / 2, 2, 2


def exact_gradient(kind: str, network: TransformerNetwork, x: Tensor, y: Tensor) -> Tensor:
    """The gradient in the gaters' parameters of the mean expected loss, by every set of gates of every sequence."""
    total = torch.zeros((), dtype=torch.float64)
    for one, following in zip(x.split(1), y.split(1), strict=True):
        for decide in all_forced(kind, network.architecture.layers[0].blocks, [POSITIONS] * LAYERS):
            loss = CountedBatch(network, one, following, seeded(), density=DENSITY)(decide).mean_loss()
            total = total + decide.probability * loss.detach() / len(x)
    return torch.cat([each.flatten() for each in grad(total, gater_parameters(network))])


def error_of(name: str, kind: str, sequences: int, odometer: Odometer | None = None, **settings: Any) -> float:
    network = transformer_of(TOY, seed=3)
    x, y = letters(sequences, POSITIONS), letters(sequences, POSITIONS, seed=1)
    strategy_type = strategies.find(name)
    none = {key: 0.0 for key in ("lambda_s", "lambda_v", "density_price_rate", "balance") if key in strategy_type.space}
    chosen = {**none, "gates": kind, **settings}
    strategy = strategy_type(network.architecture, chosen, seeded()).double()
    assert isinstance(strategy, DrawnStrategy)
    found = expected_gradient(strategy, network, x, y, DENSITY, odometer)
    return relative_error(found, exact_gradient(kind, network, x, y))


@pytest.mark.parametrize(
    ("kind", "sequences", "settings"),
    [
        ("exactly_k", 1, {"baseline": "none"}),
        ("exactly_k", 1, {"baseline": "learned"}),
        ("exactly_k", 1, {"baseline": "samples", "samples": 2}),
        ("exactly_k", 2, {"baseline": "batch_mean"}),
        ("bernoulli", 1, {"baseline": "none"}),
    ],
)
def test_the_score_function_is_unbiased(kind, sequences, settings):
    assert error_of("reinforce", kind, sequences, **settings) < ROUNDING


def test_a_row_that_counts_its_own_loss_alone_is_biased(monkeypatch):
    monkeypatch.setattr(TransformerNetwork, "cost_to_go", lambda self, own: (own, own))
    assert error_of("reinforce", "exactly_k", 1, baseline="none") > 1e-3


def test_a_baseline_of_other_positions_is_biased(monkeypatch):
    def of_all(cost: Tensor, kind: str) -> Tensor:
        return (cost.sum() - cost) / (cost.numel() - 1)

    monkeypatch.setattr("core.parts.estimators.score_function.baseline", of_all)
    assert error_of("reinforce", "exactly_k", 1, baseline="batch_mean") > 1e-3


def test_antithetic_pairs_are_unbiased(monkeypatch):
    odometer = Odometer()
    monkeypatch.setattr("core.parts.estimators.antithetic.uniform_like", odometer.uniform)
    # One gate at each position in each layer, so that the uniforms can be enumerated.
    network = transformer_of(TOY.replace("2x2", "1x2"), seed=3)
    x, y = letters(1, POSITIONS), letters(1, POSITIONS, seed=1)
    none = {"lambda_s": 0.0, "lambda_v": 0.0, "density_price_rate": 0.0, "centred_scores": "never"}
    strategy = strategies.find("disarm")(network.architecture, none, seeded()).double()
    assert isinstance(strategy, DrawnStrategy)
    found = expected_gradient(strategy, network, x, y, DENSITY, odometer)
    assert relative_error(found, exact_gradient("bernoulli", network, x, y)) < ROUNDING
