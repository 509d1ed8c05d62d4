"""Corrections of straight-through on losses for which they are exact."""

import pytest
import torch
from torch import Tensor
from torch.autograd import grad

from core.parts.distributions.discrete import DISCRETE
from core.parts.estimators.gapped import Gapped
from core.parts.estimators.reinmax import ReinMax
from core.parts.estimators.sparse_mixer import SparseMixer
from core.parts.estimators.straight_through import Correction, Plain
from tests.support.networks import normal, seeded

BLOCKS = 4
CURVATURE, SLOPE = normal(BLOCKS, BLOCKS, seed=1), normal(BLOCKS, seed=2)
# With which one of the blocks is open, or one leaf of four.
DENSITY = 1 / BLOCKS


def linear(gates: Tensor) -> Tensor:
    return gates @ SLOPE


def separable(gates: Tensor) -> Tensor:
    """Quadratic, without products of different gates."""
    return gates @ SLOPE + gates.square() @ CURVATURE.diagonal()


def quadratic(gates: Tensor) -> Tensor:
    return gates @ SLOPE + torch.einsum("bi,ij,bj->b", gates, CURVATURE, gates)


def expectations(kind: str, correction: Correction, cost) -> tuple[Tensor, Tensor]:
    """The correction's expected gradient in the scores, and the exact one."""
    distribution = DISCRETE[kind](DENSITY)
    scores = normal(1, BLOCKS, seed=3).requires_grad_()
    support = distribution.support(BLOCKS).to(scores)
    draw = distribution.drawn(scores.expand(len(support), -1), support)
    probability = draw.log_probability.exp()
    exact = grad((probability * cost(draw.gates)).sum(), scores, retain_graph=True)[0]
    gates = correction.gates(distribution, draw, seeded())
    return grad((probability.detach() * cost(gates)).sum(), scores)[0], exact


@pytest.mark.parametrize(
    ("kind", "cost"), [("bernoulli", separable), ("exactly_k", quadratic), ("tree", quadratic), ("bernoulli", linear)]
)
def test_reinmax_is_exact_on_quadratic_losses_of_a_single_choice(kind, cost):
    torch.testing.assert_close(*expectations(kind, ReinMax(), cost))


def test_the_plain_estimator_is_exact_on_linear_losses_only():
    for kind in DISCRETE:
        torch.testing.assert_close(*expectations(kind, Plain(), linear))
        found, exact = expectations(kind, Plain(), quadratic)
        assert (found - exact).norm() > 0.05 * exact.norm()


@pytest.mark.parametrize("kind", DISCRETE)
def test_sparse_mixer_is_exact_on_linear_losses(kind):
    torch.testing.assert_close(*expectations(kind, SparseMixer(), linear))


def test_sparse_mixer_sends_nothing_to_closed_gates_and_halves_some_that_are_not_the_likeliest():
    distribution = DISCRETE["exactly_k"](DENSITY)
    scores = normal(500, BLOCKS, seed=5)
    draw = distribution.draw(scores, seeded())
    gates = SparseMixer().gates(distribution, draw, seeded(1)).detach()
    assert torch.equal(gates != 0, draw.gates != 0)
    opened, likeliest = draw.gates.argmax(dim=1), scores.argmax(dim=1)
    assert (gates.amax(dim=1)[opened == likeliest] == 1).all()
    halved = gates.amax(dim=1)[opened != likeliest]
    assert set(halved.tolist()) == {0.5, 1.0}
    assert 0.35 < (halved == 0.5).double().mean() < 0.65


def test_gapped_logits_lead_by_the_gap():
    distribution = DISCRETE["exactly_k"](DENSITY)
    scores = torch.tensor([[0.0, 0.5, 3.0, 2.5]], dtype=torch.float64, requires_grad=True)
    draw = distribution.drawn(scores, torch.tensor([[[1.0, 0.0, 0.0, 0.0]]], dtype=torch.float64))
    gates = Gapped().gates(distribution, draw, seeded())
    assert gates.tolist() == [[1.0, 0.0, 0.0, 0.0]]
    # The first is raised to 3; the third and fourth are lowered to 2.
    p = torch.tensor([3.0, 0.5, 2.0, 2.0], dtype=torch.float64).softmax(dim=0)
    (found,) = grad(gates[0, 0], scores)
    torch.testing.assert_close(found[0], p[0] * (torch.eye(4, dtype=torch.float64)[0] - p))


@pytest.mark.parametrize("kind", DISCRETE)
@pytest.mark.parametrize("correction", [Plain(), ReinMax(), Gapped()], ids=lambda each: type(each).__name__)
def test_gates_keep_their_hard_values(correction, kind):
    distribution = DISCRETE[kind](0.5)
    draw = distribution.draw(normal(50, BLOCKS), seeded())
    torch.testing.assert_close(correction.gates(distribution, draw, seeded()).detach(), draw.gates)
