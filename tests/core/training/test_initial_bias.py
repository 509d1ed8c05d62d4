"""Training starts at the budget, whatever the probability of a gate is as a function of its score."""

import math

import pytest
import torch

from core.architecture import Architecture
from core.strategy import logit
from strategies import find

ARCHITECTURE = Architecture.parse("16x4", features=8, classes=3)


@pytest.mark.parametrize("density", [1 / 16, 1 / 8, 0.5, 1.0])
@pytest.mark.parametrize("name", ["hard_concrete", "straight_through"])
def test_a_gate_of_the_initial_bias_is_open_with_the_densitys_probability(name, density):
    bias = find(name)(ARCHITECTURE, {}, torch.Generator()).initial_bias(density)
    probability = {
        "hard_concrete": 1 / (1 + math.exp(-(bias - 2 / 3 * math.log(0.1 / 1.1)))),
        "straight_through": 1 / (1 + math.exp(-bias)),
    }[name]
    assert probability == pytest.approx(min(density, 0.99))


def test_without_a_link_of_its_own_a_strategy_starts_at_the_logit():
    assert find("top_k")(ARCHITECTURE, {}, torch.Generator()).initial_bias(1 / 8) == logit(1 / 8)
