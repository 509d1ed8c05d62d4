"""ReLU gates and their price."""

import math

import pytest
import torch
from torch import Tensor

from core.training.batch import CountedBatch
from strategies.remoe import ReMoE
from tests.support.networks import FEATURES, network_of, normal, seeded

X, Y = normal(30, FEATURES), torch.arange(30) % 3


def price_after(density: float, **settings: float) -> tuple[Tensor, Tensor, ReMoE]:
    """The loss and the objective of a batch, and the strategy afterwards, whose scores are about half above 0."""
    network = network_of("4x2,3x2")
    strategy = ReMoE(network.architecture, settings, seeded()).double()
    network.set_gater_biases(strategy.initial_bias(density))
    objective, done = strategy.objective(CountedBatch(network, X, Y, seeded(), density=density))
    return done.mean_loss(), objective, strategy


def test_gates_are_the_positive_part_of_the_scores_in_training_and_at_test_time():
    network = network_of("4x2")
    strategy = ReMoE(network.architecture, {}, seeded())
    expected = network.gaters[0](X).clamp(min=0)
    for labels in (Y, None):
        batch = CountedBatch(network, X, labels, seeded(), density=0.5)
        done = strategy.infer(batch) if labels is None else strategy.objective(batch)[1]
        torch.testing.assert_close(done.decisions[0].gates, expected)


@pytest.mark.parametrize(("density", "change"), [(0.1, math.log(1.5)), (0.9, -math.log(1.5))])
def test_the_price_rises_over_the_budget_and_falls_below_it(density, change):
    strategy = price_after(density, first_price=0.01, rate=1.5)[2]
    assert strategy.log_price.item() == pytest.approx(math.log(0.01) + change)


def test_the_price_is_paid_for_the_sum_of_gates_weighed_by_load():
    loss, objective, _ = price_after(0.25, first_price=0.5)
    network = network_of("4x2,3x2")
    network.set_gater_biases(0.0)
    strategy = ReMoE(network.architecture, {}, seeded())
    done = strategy.infer(CountedBatch(network, X, None, seeded(), density=0.25))
    cost = 0.0
    for decision in done.decisions:
        gates = decision.gates.detach()
        for block in range(gates.shape[1]):
            cost += (gates[:, block] > 0).double().mean().item() / 0.25 * gates[:, block].mean().item() / 2
    assert (objective - loss).item() == pytest.approx(0.5 * cost, rel=1e-6)


def test_half_of_the_gates_are_open_as_training_begins():
    assert ReMoE(network_of("4x2").architecture, {}, seeded()).initial_bias(1 / 16) == 0
