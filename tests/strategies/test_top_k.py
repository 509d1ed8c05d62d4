"""Top-k routing: weights among the chosen, and balance without a loss."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import grad

from core.parts.routing import open_gates
from core.strategy import GateRule
from strategies.top_k import TopK
from tests.support.networks import FEATURES, batch_of, network_of, normal, seeded

ROWS = 40
X, Y = normal(ROWS, FEATURES), torch.arange(ROWS) % 3
SCORES = torch.tensor([[1.0, 3.0, 4.0, 2.0]], dtype=torch.float64).log()


def gates(*chosen: float, weighted: bool = True) -> list[float]:
    found: list[float] = open_gates(SCORES, torch.tensor([chosen], dtype=torch.float64), weighted=weighted)[0].tolist()
    return found


def test_weights_of_several_blocks_are_their_softmax_among_the_chosen():
    assert gates(0, 1, 1, 0) == pytest.approx([0, 3 / 7, 4 / 7, 0])
    assert gates(1, 1, 0, 1) == pytest.approx([1 / 6, 3 / 6, 0, 2 / 6])


def test_the_weight_of_a_single_block_is_its_softmax_among_all():
    assert gates(0, 0, 1, 0) == pytest.approx([0, 0, 0.4, 0])


def test_binary_gates_have_the_gradient_of_the_softmax_among_all():
    scores = SCORES.clone().requires_grad_()
    chosen = torch.tensor([[0.0, 1.0, 1.0, 0.0]], dtype=torch.float64)
    found = open_gates(scores, chosen)
    assert torch.equal(found.detach(), chosen)
    weights = torch.tensor([1.0, 2.0, 5.0, 7.0], dtype=torch.float64)
    expected = grad((scores.softmax(dim=1) * chosen * weights).sum(), scores)[0]
    torch.testing.assert_close(grad((found * weights).sum(), scores)[0], expected)


def strategy_of(network: Any, **settings: Any) -> TopK:
    return TopK(network.architecture, {"noise": 0, **settings}, seeded()).double()


def biases(strategy: TopK) -> list[Tensor]:
    return [bias.clone() for _, bias in strategy.named_buffers()]


def test_without_a_loss_a_bias_moves_towards_even_load_and_has_no_gradient():
    network = network_of("4x2,3x2")
    strategy = strategy_of(network, balancing="loss_free", bias_step=0.25)
    objective, done = strategy.objective(batch_of(network, X, Y))
    assert torch.equal(objective, done.mean_loss())
    for bias, decision in zip(biases(strategy), done.decisions, strict=True):
        load = (decision.gates != 0).double().mean(dim=0)
        assert torch.equal(bias, 0.25 * (load.mean() - load).sign())


def test_the_load_becomes_even_without_a_loss():
    network = network_of("4x2", density=0.25)
    with torch.no_grad():
        bias = network.gaters[0].bias
        assert isinstance(bias, Tensor)
        bias[0] += 3
    strategy = strategy_of(network, balancing="loss_free", bias_step=0.1)
    shares = [strategy.objective(batch_of(network, X, Y))[1].executed[0].mean(dim=0) for _ in range(100)]
    assert shares[0].max() > 0.9
    assert torch.stack(shares[-10:]).mean(dim=0).max() < 0.7


def test_the_bias_chooses_but_does_not_weigh():
    network = network_of("4x2")
    strategy = strategy_of(network, balancing="loss_free", gates="weighted")
    with torch.no_grad():
        next(strategy.buffers())[3] = 100.0
        found = strategy.infer(batch_of(network, X)).decisions[0].gates
        scores = network.gaters[0](X)
    assert (found[:, 3] > 0).all()
    torch.testing.assert_close(found, open_gates(scores, (found > 0).double(), weighted=True))


def test_only_choices_that_scores_alone_explain_follow_a_rule():
    network = network_of("4x2")
    assert strategy_of(network).gate_rule() == GateRule("top")
    assert strategy_of(network, gates="weighted").gate_rule() is None
    assert strategy_of(network, balancing="loss_free").gate_rule() is None
