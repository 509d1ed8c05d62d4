"""Every distribution of hard gates: its draws, its likeliest gates, its relaxation, and what a teacher asks of it."""

import pytest
import torch
from torch import Tensor

from core.errors import InputError
from core.parts.distributions.bernoulli import Bernoulli
from core.parts.distributions.discrete import DISCRETE
from core.parts.distributions.distribution import GateDistribution
from core.parts.distributions.exactly_k import ExactlyK, successive_softmax
from core.strategy import GateRule
from tests.support.networks import normal, seeded

ROWS, BLOCKS, DENSITY = 4000, 4, 0.5
SCORES = torch.tensor([[0.5, -1.0, 1.2, 0.1]], dtype=torch.float64)
COUNTS = torch.tensor([2, 3] * 25)
EACH = pytest.mark.parametrize("name", DISCRETE)


def made(name: str) -> GateDistribution:
    return DISCRETE[name](DENSITY)


def outcomes(name: str) -> tuple[Tensor, Tensor]:
    """Everything that can be drawn: its gates, and its probability at ``SCORES``."""
    distribution = made(name)
    support = distribution.support(BLOCKS).to(SCORES)
    draw = distribution.drawn(SCORES.expand(len(support), -1), support)
    return draw.gates, draw.log_probability.exp()


@EACH
def test_the_probabilities_of_all_draws_sum_to_one(name):
    assert outcomes(name)[1].sum().item() == pytest.approx(1.0)


@EACH
def test_gates_are_drawn_as_often_as_their_probability(name):
    draw = made(name).draw(SCORES.expand(ROWS, -1), seeded())
    assert set(draw.gates.unique().tolist()) == {0.0, 1.0}
    gates, probability = outcomes(name)
    expected = (gates * probability[:, None]).sum(dim=0)
    assert draw.gates.mean(dim=0).tolist() == pytest.approx(expected.tolist(), abs=4 * 0.5 / ROWS**0.5)


@EACH
def test_hard_gates_of_a_relaxation_are_draws_whatever_the_temperature(name):
    gates, probability = outcomes(name)
    expected = (gates * probability[:, None]).sum(dim=0).tolist()
    for temperature in (0.1, 5.0):
        found = made(name).relaxed(SCORES.expand(ROWS, -1), seeded(1), temperature)
        assert found.hard.mean(dim=0).tolist() == pytest.approx(expected, abs=4 * 0.5 / ROWS**0.5)


@EACH
def test_a_relaxation_becomes_its_hard_gates_as_the_temperature_falls(name):
    found = made(name).relaxed(SCORES.expand(200, -1), seeded(), 1e-4)
    assert ((found.soft - found.hard).abs() > 1e-3).double().mean() < 0.02
    warm = made(name).relaxed(SCORES.expand(200, -1), seeded(), 1.0)
    assert (warm.soft > 0).all()


@EACH
def test_a_relaxation_has_a_gradient_in_the_scores(name):
    scores = SCORES.clone().requires_grad_()
    found = made(name).relaxed(scores, seeded(), 1.0)
    (found.soft * torch.arange(1.0, BLOCKS + 1)).sum().backward()
    assert scores.grad is not None
    assert (scores.grad[:, : 1 if name == "tree" else BLOCKS] != 0).all()


@EACH
def test_the_likeliest_gates_are_those_of_the_largest_probability(name):
    gates, probability = outcomes(name)
    likely = made(name).likely_draw(SCORES, seeded()).gates[0]
    of_sets = {tuple(each): 0.0 for each in gates.tolist()}
    for each, p in zip(gates.tolist(), probability.tolist(), strict=True):
        of_sets[tuple(each)] += p
    assert max(of_sets, key=lambda each: of_sets[each]) == tuple(likely.tolist())


@EACH
def test_entropy_is_highest_at_equal_scores_and_has_a_finite_gradient_at_sure_ones(name):
    distribution = made(name)
    assert distribution.entropy(torch.zeros_like(SCORES)) > distribution.entropy(SCORES)
    sure = (1e4 * SCORES).requires_grad_()
    distribution.entropy(sure).sum().backward()
    assert sure.grad is not None
    assert torch.isfinite(sure.grad).all()


@EACH
def test_imitation_ends_at_the_teachers_gates(name):
    distribution = made(name)
    target = torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]], dtype=torch.float64)
    scores = torch.zeros(2, BLOCKS, dtype=torch.float64, requires_grad=True)
    first = distribution.imitation(scores, target)
    assert first.shape == (2,)
    for _ in range(200):
        (gradient,) = torch.autograd.grad(distribution.imitation(scores, target).sum(), scores)
        scores = (scores - gradient).detach().requires_grad_()
    assert (distribution.imitation(scores, target) < first).all()
    assert torch.equal(distribution.likely_draw(scores, seeded()).gates, target)


def test_exactly_k_opens_exactly_k_and_a_first_place_goes_by_the_softmax():
    draw = ExactlyK(DENSITY).draw(SCORES.expand(ROWS, -1), seeded())
    assert (draw.gates.sum(dim=1) == 2).all()
    first = draw.chosen[:, 0].mean(dim=0).tolist()
    assert first == pytest.approx(SCORES.softmax(dim=1)[0].tolist(), abs=4 * 0.5 / ROWS**0.5)


@pytest.mark.parametrize("temperature", [0.001, 1.0, 10.0])
def test_a_relaxed_top_k_sums_to_k(temperature):
    found = successive_softmax(30 * normal(50, 6), COUNTS, temperature)
    torch.testing.assert_close(found.sum(dim=1), COUNTS.double())


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_a_relaxed_top_k_is_the_papers_recursion(temperature):
    scores = normal(50, 6)
    found = successive_softmax(scores, torch.full((50,), 3), temperature)
    left, expected = scores, torch.zeros_like(scores)
    for _ in range(3):
        chosen = (left / temperature).softmax(dim=1)
        left, expected = left + (1 - chosen).log(), expected + chosen
    torch.testing.assert_close(found, expected)


def test_a_relaxation_between_two_numbers_of_blocks_has_that_of_its_hard_gates_in_every_example():
    distribution = ExactlyK(3 / 8)
    found = distribution.relaxed(SCORES.expand(ROWS, -1), seeded(), 0.7)
    opened = found.hard.sum(dim=1)
    assert opened.unique().tolist() == [1, 2]
    assert opened.mean().item() == pytest.approx(1.5, abs=5 * 0.5 / ROWS**0.5)
    torch.testing.assert_close(found.soft.sum(dim=1), opened)
    assert (found.soft > 0).all()


def test_a_floor_keeps_bernoulli_gates_from_being_sure_and_from_a_compiled_rule():
    floored = Bernoulli(DENSITY, floor=0.01)
    sure = torch.tensor([[-1e4, 1e4]], dtype=torch.float64)
    assert floored.probability(sure).tolist() == [pytest.approx([0.01, 0.99])]
    draw = floored.drawn(sure, torch.tensor([[[0.0, 1.0], [0.0, 1.0]]], dtype=torch.float64))
    assert draw.log_probability.exp().item() == pytest.approx(0.01 * 0.99)
    assert floored.rule("sampled") is None
    assert floored.rule("threshold") == GateRule("threshold")


def test_rules_describe_test_gates_where_scores_alone_decide():
    assert Bernoulli(DENSITY).rule("sampled", 2.0) == GateRule("sampled", scale=2.0)
    assert ExactlyK(DENSITY).rule("threshold") == GateRule("top")
    assert ExactlyK(DENSITY).rule("sampled") is None
    assert made("tree").rule("threshold") is None


def test_local_expectations_over_exactly_k_are_refused_in_one_line():
    distribution = ExactlyK(DENSITY)
    with pytest.raises(InputError, match=r"^local expectation is not defined on the gates ExactlyK: "):
        distribution.alternatives(SCORES, distribution.draw(SCORES, seeded()))


class OneOrTwo(ExactlyK):
    """Every other example opens two blocks."""

    def counts(self, scores: Tensor, generator: torch.Generator) -> Tensor:
        return torch.arange(len(scores)) % 2 + 1


def test_examples_may_open_different_numbers_of_blocks():
    distribution = OneOrTwo(DENSITY)
    scores = SCORES.expand(6, -1)
    draw = distribution.draw(scores, seeded())
    assert draw.gates.sum(dim=1).tolist() == [1, 2] * 3
    torch.testing.assert_close(distribution.relaxed(scores, seeded(), 1.0).soft.sum(dim=1), draw.gates.sum(dim=1))
    assert distribution.likely_draw(scores, seeded()).gates[:2].tolist() == [[0, 0, 1, 0], [1, 0, 1, 0]]
    # What is not chosen has no part in the log probability, nor in the options' probabilities.
    of_first = SCORES.log_softmax(dim=1)[0, int(draw.gates[0].argmax())]
    assert draw.log_probability[0].item() == pytest.approx(of_first.item())
    torch.testing.assert_close(draw.probability.sum(dim=(1, 2)), draw.gates.sum(dim=1))
