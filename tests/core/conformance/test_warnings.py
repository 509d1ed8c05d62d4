"""Slips that keep the protocol and still keep a strategy from learning as it was meant to: each is one warning."""

import pytest

from core.conformance import NETWORKS, estimate, warnings
from strategies import find
from tests.support import cheats

SLIPS = [
    (cheats.GaterWithoutGradient, "gradients", "layer 0: the gater is asked for scores and gets no gradient"),
    (cheats.OwnGaterWithoutGradient, "gradients", "parameter gaters.0.0.weight gets no gradient"),
    (cheats.UnregisteredParameter, "registered", "scales[0] is no registered parameter and is not trained"),
    (cheats.UnregisteredTensor, "registered", "constants['scale'] is a tensor that is not registered"),
    (cheats.ReinMax, "exact_gates", "layer 0: closed gates depend on what is learned and gate_grad is 'open'"),
    (cheats.StraightThroughClosed, "exact_gates", "layer 0: closed gates depend on what is learned"),
]


@pytest.mark.parametrize(("slip", "check", "message"), SLIPS, ids=[slip.__name__ for slip, _, _ in SLIPS])
def test_a_slip_is_warned_of_in_one_line(slip, check, message):
    found = [warning for warning in warnings(slip) if warning.network == NETWORKS[0]]
    assert any(warning.check == check and message in warning.message for warning in found)
    assert {warning.check for warning in found} == {check}
    assert all("\n" not in warning.message for warning in found)


def test_a_tensor_that_is_not_used_is_not_warned_of():
    assert not any("unused" in warning.message for warning in warnings(cheats.UnregisteredTensor))


def test_exact_gates_are_what_was_asked_for():
    assert warnings(cheats.ExactReinMax) == []


@pytest.mark.parametrize("name", ["random_blocks", "dense", "static_blocks", "top_k", "hard_concrete"])
def test_who_needs_no_gater_or_gives_closed_gates_no_gradient_is_not_warned(name):
    assert warnings(find(name)) == []


def test_the_estimate_of_a_gradient_is_measured_where_there_is_one():
    assert "relative variance" in str(estimate(find("reinforce")))
    assert estimate(find("top_k")) is None
