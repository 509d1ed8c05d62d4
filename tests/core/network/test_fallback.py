import torch
from torch import Tensor

from core.network.fallback import with_fallback
from core.network.site import LayerSite
from core.strategy import Decision
from tests.support.networks import network_of

GATES = torch.tensor([[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.5, 0.0, 0.25], [0.0, 0.0, 0.0]], dtype=torch.float64)
PROBABILITY = torch.tensor([[0.2, 0.1, 0.4], [0.9, 0.1, 0.2], [0.1, 0.9, 0.1], [0.3, 0.2, 0.1]], dtype=torch.float64)


def decided(gates: Tensor, probability: Tensor | None) -> tuple[Decision, Decision]:
    """A decision, and what the fallback makes of it."""
    site = LayerSite(0, torch.zeros(len(gates), 5, dtype=torch.float64), network_of("3x2").gaters[0])  # type: ignore[arg-type]
    decision = Decision(gates, probability, "exact")
    return decision, with_fallback(lambda asked: decision)(site)


def test_only_fully_closed_rows_open_and_only_their_most_probable_block():
    _, changed = decided(GATES, PROBABILITY)
    assert changed.gates.tolist() == [[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.5, 0.0, 0.25], [1.0, 0.0, 0.0]]


def test_the_rest_of_the_decision_is_kept():
    decision, changed = decided(GATES, PROBABILITY)
    assert changed.probability is decision.probability
    assert changed.gate_grad == "exact"
    assert decision.gates[0].tolist() == [0.0, 0.0, 0.0]


def test_a_decision_without_a_probability_is_left_alone():
    decision, changed = decided(GATES, None)
    assert changed is decision
