"""Equations 5-7 of the paper, against numbers worked out by hand."""

from types import SimpleNamespace
from typing import cast

import pytest
import torch
from torch import Tensor
from torch.autograd import grad

from core.architecture import Architecture
from core.errors import InputError
from core.parts.penalised import PenalisedStrategy
from core.parts.penalties import bernoulli_entropy, block_usage, entropy, example_usage, penalty, variance
from core.strategy import Batch, Decision
from strategies import find

TAU = 0.25


@pytest.fixture
def p():
    """Block means 0.3, 0.7, 0.1; example means 0.5, 0.7 / 3; variances 0.01, 0.04, 0.01."""
    return torch.tensor([[0.4, 0.9, 0.2], [0.2, 0.5, 0.0]], dtype=torch.float64, requires_grad=True)


def test_block_usage(p):
    assert block_usage(p, TAU).item() == pytest.approx(0.05 + 0.45 + 0.15)


def test_example_usage(p):
    assert example_usage(p, TAU).item() == pytest.approx((0.25 + 0.05 / 3) / 2)


def test_variance(p):
    assert variance(p).item() == pytest.approx(-(0.01 + 0.04 + 0.01))


def test_variance_of_a_single_example_is_zero():
    assert variance(torch.tensor([[0.3, 0.9]])).item() == 0


def test_block_usage_pulls_every_block_towards_tau_with_equal_force(p):
    assert grad(block_usage(p, TAU), p)[0].tolist() == [[0.5, 0.5, -0.5]] * 2


def test_example_usage_pulls_every_example_towards_tau_with_equal_force(p):
    expected = [[1 / 6] * 3, [-1 / 6] * 3]
    assert grad(example_usage(p, TAU), p)[0].flatten().tolist() == pytest.approx([*expected[0], *expected[1]])


def test_variance_pushes_probabilities_away_from_their_blocks_mean(p):
    found = grad(variance(p), p)[0].flatten().tolist()
    assert found == pytest.approx([-0.1, -0.2, -0.1, 0.1, 0.2, 0.1])


def decision(p: Tensor) -> Decision:
    return Decision(torch.ones_like(p), p)


def test_penalty_weighs_usage_and_variance(p):
    expected = 2 * (0.65 + (0.25 + 0.05 / 3) / 2) + 5 * -0.06
    assert penalty([decision(p)], TAU, lambda_s=2, lambda_v=5).item() == pytest.approx(expected)


def test_penalty_is_the_sum_over_layers(p):
    other = torch.tensor([[0.1, 0.3], [0.1, 0.7]], dtype=torch.float64)
    alone = [penalty([decision(each)], TAU, lambda_s=2, lambda_v=5).item() for each in (p, other)]
    assert alone[1] == pytest.approx(2 * (0.15 + 0.25 + (0.05 + 0.15) / 2) - 5 * 0.04)
    both = penalty([decision(p), decision(other)], TAU, lambda_s=2, lambda_v=5)
    assert both.item() == pytest.approx(sum(alone))


def test_targets_and_weights_of_layers_go_round_the_layers_in_each_pass(p):
    other = torch.tensor([[0.1, 0.3], [0.1, 0.7]], dtype=torch.float64)
    first = penalty([decision(p)], 0.25, lambda_s=2, lambda_v=5)
    second = penalty([decision(other)], 0.5, lambda_s=3, lambda_v=0)
    passes = [decision(each) for each in (p, other, p, other)]
    together = penalty(passes, [0.25, 0.5], lambda_s=[2, 3], lambda_v=[5, 0])
    assert together.item() == pytest.approx(2 * (first + second).item())


def test_penalty_can_be_switched_off(p):
    assert penalty([decision(p)], TAU, lambda_s=0, lambda_v=0).item() == 0


def test_penalty_needs_a_probability():
    with pytest.raises(ValueError, match="without a probability"):
        penalty([Decision(torch.ones(2, 3))], TAU, lambda_s=1, lambda_v=1)


def test_entropy_is_that_of_its_definition():
    p = torch.tensor([1e-30, 0.1, 0.5, 0.9], dtype=torch.float64)
    q = 1 - p
    torch.testing.assert_close(bernoulli_entropy(p), -p * p.log() - q * q.log())


def test_entropy_has_a_gradient_where_rounding_made_probabilities_sure():
    scores = torch.tensor([[-200.0, -1.0, 0.0, 1.0, 30.0, 200.0]], requires_grad=True)
    probability = scores.sigmoid()
    assert {0.0, 1.0} <= set(probability.detach().flatten().tolist())
    (found,) = grad(entropy([Decision(torch.ones(1, 6), probability)]), scores)
    # dH/ds = -s p (1 - p), over six blocks.
    p = torch.sigmoid(scores.detach())
    torch.testing.assert_close(found, (-scores.detach() * p * (1 - p) / 6).nan_to_num())


def test_a_penalised_strategy_raises_its_penalties_over_the_warm_up(p):
    def price(progress: float, warmup: float, share: float = 1.0) -> float:
        settings = {"lambda_s": 2.0, "lambda_v": 5.0, "penalty_warmup": warmup}
        strategy = find("gaussian_gates")(Architecture.parse("3x2", 4, 2), settings, torch.Generator())
        assert isinstance(strategy, PenalisedStrategy)
        batch = SimpleNamespace(progress=progress, density=TAU)
        return strategy.price(cast(Batch, batch), [decision(p)], share).item()

    full = 2 * (0.65 + (0.25 + 0.05 / 3) / 2) + 5 * -0.06
    assert price(0.0, 0.0) == pytest.approx(full)
    assert price(0.1, 0.4) == pytest.approx(full / 4)
    assert price(0.7, 0.4) == pytest.approx(full)
    half = 2 * (0.175 + 0.575 + 0.025 + (0.375 + 0.325 / 3) / 2) + 5 * -0.06
    assert price(0.5, 0.0, share=0.5) == pytest.approx(half)


def test_a_penalised_strategy_weighs_each_layer_as_its_settings_say(p):
    other = torch.tensor([[0.1, 0.3], [0.1, 0.7]], dtype=torch.float64)
    settings = {"lambda_s": 2.0, "lambda_v": [5.0, 1.0]}
    strategy = find("gaussian_gates")(Architecture.parse("3x2,2x2", 4, 2), settings, torch.Generator())
    assert isinstance(strategy, PenalisedStrategy)
    batch = cast(Batch, SimpleNamespace(progress=0.0, density=TAU))
    expected = penalty([decision(p)], TAU, 2, 5) + penalty([decision(other)], TAU, 2, 1)
    assert strategy.price(batch, [decision(p), decision(other)]).item() == pytest.approx(expected.item())


def test_a_layers_target_is_its_own_or_that_of_the_batch(p):
    def price(layer_densities: list[float]) -> float:
        architecture = Architecture.parse("3x2,3x2", 4, 2)
        settings = {"layer_densities": layer_densities, "lambda_s": 1.0, "lambda_v": 0.0}
        strategy = find("reinforce")(architecture, settings, torch.Generator())
        assert isinstance(strategy, PenalisedStrategy)
        batch = cast(Batch, SimpleNamespace(progress=0.0, density=TAU))
        return strategy.price(batch, [decision(p), decision(p)]).item()

    at_tau, at_half = (penalty([decision(p)], tau, 1, 0).item() for tau in (TAU, 0.5))
    assert price([0.0, 0.0]) == pytest.approx(2 * at_tau)
    assert price([0.5, 0.0]) == pytest.approx(at_half + at_tau)
    assert price([0.5, TAU]) == pytest.approx(at_half + at_tau)


def test_settings_for_another_number_of_layers_are_refused():
    with pytest.raises(InputError, match=r"^reinforce\.lambda_v: 40:20 has 2 values, the network 1 gated layers$"):
        find("reinforce")(Architecture.parse("3x2", 4, 2), {"lambda_v": "40:20"}, torch.Generator())
