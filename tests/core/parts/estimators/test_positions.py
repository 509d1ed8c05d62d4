"""Estimators in a transformer, where a gate changes the losses of later positions too."""

import itertools
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import grad

import strategies
from core.network.transformer import TransformerNetwork
from core.parts.drawn import DrawnStrategy
from core.strategy import Decision, Site
from core.training.batch import CountedBatch
from tests.core.network.small_transformers import letters, transformer_of
from tests.support.enumeration import Odometer, expected_gradient, gater_parameters, relative_error
from tests.support.networks import seeded

ROUNDING = 1e-10
# One of two blocks is open at each of two positions in each of two layers: 16 sets of gates.
TOY = "transformer:layers=2,width=4,heads=2,context=2,blocks=2x2"
DENSITY, POSITIONS, LAYERS = 1 / 2, 2, 2


def exact_gradient(kind: str, network: TransformerNetwork, x: Tensor, y: Tensor) -> Tensor:
    """The gradient in the gaters' parameters of the mean expected loss, by every set of gates of every sequence."""
    options = [(1.0, 0.0), (0.0, 1.0)] if kind == "exactly_k" else [*itertools.product((0.0, 1.0), repeat=2)]
    total = torch.zeros((), dtype=torch.float64)
    for sequence in range(len(x)):
        one, following = x[sequence : sequence + 1], y[sequence : sequence + 1]
        for chosen in itertools.product(options, repeat=LAYERS * POSITIONS):
            gates = torch.tensor(chosen, dtype=torch.float64).view(LAYERS, POSITIONS, 2)
            probability = torch.ones((), dtype=torch.float64)

            def decide(site: Site, gates: Tensor = gates) -> Decision:
                nonlocal probability
                own, scores = gates[site.index], site.scores_detached
                if kind == "exactly_k":
                    probability = probability * (scores.softmax(dim=1) * own).sum(dim=1).prod()
                else:
                    probability = probability * (own * scores.sigmoid() + (1 - own) * (1 - scores.sigmoid())).prod()
                return Decision(own)

            loss = CountedBatch(network, one, following, seeded(), density=DENSITY)(decide).mean_loss()
            total = total + probability * loss.detach() / len(x)
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
    total = torch.zeros((), dtype=torch.float64)
    for chosen in itertools.product((0.0, 1.0), repeat=LAYERS * POSITIONS):
        gates = torch.tensor(chosen, dtype=torch.float64).view(LAYERS, POSITIONS, 1)
        probability = torch.ones((), dtype=torch.float64)

        def decide(site: Site, gates: Tensor = gates) -> Decision:
            nonlocal probability
            own, open_with = gates[site.index], site.scores_detached.sigmoid()
            probability = probability * (own * open_with + (1 - own) * (1 - open_with)).prod()
            return Decision(own)

        loss = CountedBatch(network, x, y, seeded(), density=DENSITY)(decide).mean_loss()
        total = total + probability * loss.detach()
    exact = torch.cat([each.flatten() for each in grad(total, gater_parameters(network))])
    assert relative_error(found, exact) < ROUNDING
