"""Adaptive computation time and stopping distributions."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.architecture import Architecture
from core.parts.halting import act_weights, affordable, halting_unit, stopping_distribution, stopping_probability

PROBABILITIES = st.lists(st.floats(0.01, 0.99), min_size=1, max_size=6)


def column(*values: float) -> list[torch.Tensor]:
    return [torch.tensor([value], dtype=torch.float64) for value in values]


@given(PROBABILITIES)
def test_act_weights_sum_to_one_and_end_at_the_last_pass(values):
    weights, ponder = act_weights(column(*values), epsilon=0.01)
    passes = int((weights[:, 0] > 0).sum())
    torch.testing.assert_close(weights.sum(dim=0), torch.ones(1, dtype=torch.float64))
    assert sum(values[: passes - 1]) < 0.99
    assert passes == len(values) or sum(values[:passes]) >= 0.99
    remainder = 1 - sum(values[: passes - 1])
    torch.testing.assert_close(ponder, torch.tensor([passes + remainder], dtype=torch.float64))


def test_examples_halt_on_their_own():
    halting = [torch.tensor([0.995, 0.2]), torch.tensor([0.5, 0.9]), torch.tensor([0.5, 0.5])]
    weights, ponder = act_weights(halting, epsilon=0.01)
    torch.testing.assert_close(weights, torch.tensor([[1.0, 0.2], [0.0, 0.8], [0.0, 0.0]]))
    torch.testing.assert_close(ponder, torch.tensor([2.0, 2.8]))


def test_paying_for_ponder_raises_the_halting_probabilities_before_the_last_pass():
    halting = [value.requires_grad_() for value in column(0.3, 0.4, 0.6)]
    act_weights(halting, epsilon=0.01)[1].sum().backward()
    assert [None if value.grad is None else value.grad.item() for value in halting] == [-1.0, -1.0, 0.0]


@given(PROBABILITIES)
def test_stopping_is_a_distribution_with_the_declared_hazards(values):
    stop = stopping_distribution(column(*values))[:, 0]
    torch.testing.assert_close(stop.sum(), torch.ones((), dtype=torch.float64))
    left = 1.0
    for declared, found in zip(values[:-1], stop, strict=False):
        assert found.item() == pytest.approx(declared * left)
        left -= found.item()


@given(st.floats(1.05, 3.9))
def test_a_stopping_probability_gives_the_expected_passes(expected):
    stop = stopping_distribution(column(*[stopping_probability(expected, 4)] * 4))[:, 0]
    number = torch.arange(1, 5, dtype=torch.float64)
    assert (stop * number).sum().item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(("expected", "least", "greatest"), [(1.0, 0.99, 1.0), (4.0, 0.0, 0.01), (9.0, 0.0, 0.01)])
def test_expectations_at_and_beyond_the_ends_are_near_certain(expected, least, greatest):
    assert least < stopping_probability(expected, 4) < greatest


@pytest.mark.parametrize(
    ("passes", "network", "density", "expected"),
    [
        (2, "16x16", 1 / 8, 2),
        (3, "16x16", 1 / 8, 2),
        (1.5, "16x16", 1 / 8, 1.5),
        (2, "16x16", 1 / 16, 1),
        (2, "16x16", 1 / 64, 1),
        # Of the narrowest layer; and 0.3 of 10 is 3, though not in floating point.
        (4, "16x16,8x4", 1 / 4, 2),
        (4, "10x4", 0.1 * 3, 3),
    ],
)
def test_no_more_passes_are_affordable_than_the_budget_has_blocks(passes, network, density, expected):
    assert affordable(passes, Architecture.parse(network, 5, 2), density) == expected


def test_the_halting_unit_is_drawn_from_its_generator():
    architecture = Architecture.parse("4x3", 5, 2)
    first, again = (halting_unit(architecture, torch.Generator().manual_seed(3), 0.75) for _ in range(2))
    assert torch.equal(first.weight, again.weight)
    assert first.weight.shape == (1, 12)
    assert first.bias.sigmoid().item() == pytest.approx(0.75)
