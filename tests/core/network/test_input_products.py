"""Products with the unchanged input, made once over all passes: the values and gradients of making them each time."""

import pytest
import torch
from torch import Tensor

from core.network.fully_connected import FullyConnectedNetwork
from core.network.input_products import InputProducts
from core.strategy import Decision, Pass, ProtocolError, Site
from tests.support.networks import FEATURES, batch_of, fixed, masked_dense, network_of, normal, random_gates

ROWS, PASSES = 5, 3
Y = torch.tensor([0, 2, 1, 2, 0])


def gates_of(network: FullyConnectedNetwork) -> list[list[Tensor]]:
    return [random_gates(network, ROWS, kind="real", seed=seed) for seed in range(PASSES)]


def sharing(network: FullyConnectedNetwork, gate_grad="open") -> Tensor:
    """The sum of all passes' outputs and scores, each pass carrying on from the one before."""
    batch = batch_of(network, normal(ROWS, FEATURES), Y)
    done: Pass | None = None
    total = torch.zeros((), dtype=torch.float64)
    for gates in gates_of(network):
        scores: list[Tensor] = []

        def decide(site: Site, gates=gates, scores=scores) -> Decision:
            scores.append(site.scores)
            return Decision(gates[site.index], gate_grad=gate_grad)

        done = batch(decide, carry=done)
        total = total + done.output.square().sum() + scores[0].sin().sum()
    return total


def making_again(network: FullyConnectedNetwork) -> Tensor:
    """The same from dense formulas, pass by pass."""
    x, units = normal(ROWS, FEATURES), network.architecture.layers[-1].units
    gater = network.gaters[0]
    state = torch.zeros(ROWS, units, dtype=torch.float64)
    total = torch.zeros((), dtype=torch.float64)
    for gates in gates_of(network):
        scores = x @ gater.weight.T + state @ gater.carried_weight.T + gater.bias  # type: ignore[operator]
        state, output = masked_dense(network, x, gates, state)
        total = total + output.square().sum() + scores.sin().sum()
    return total


@pytest.mark.parametrize("layers", ["4x2", "4x2,3x3"])
@pytest.mark.parametrize("gate_grad", ["open", "exact"])
def test_values_and_gradients_are_those_of_making_every_product_in_every_pass(layers, gate_grad):
    network = network_of(layers, recurrent=True)
    found, expected = sharing(network, gate_grad), making_again(network)
    torch.testing.assert_close(found, expected)
    parameters = [part for name, part in network.named_parameters() if not name.startswith("gaters.1")]
    for ours, theirs in zip(
        torch.autograd.grad(found, parameters), torch.autograd.grad(expected, parameters), strict=True
    ):
        torch.testing.assert_close(ours, theirs)


def test_what_was_computed_without_gradients_does_not_hide_the_weights():
    network = network_of("4x2", recurrent=True)
    batch = batch_of(network, normal(ROWS, FEATURES), Y)
    gates = random_gates(network, ROWS)
    with torch.no_grad():
        blind = batch(fixed(gates, score="scores"))
    batch(fixed(gates), carry=blind).mean_loss().backward()
    gradient = network.layers[0].weight.grad
    assert isinstance(gradient, Tensor)
    assert int(gradient.count_nonzero()) > 0


def test_a_pass_knows_what_it_and_those_before_it_opened():
    network = network_of("3x2", recurrent=True)
    batch = batch_of(network, normal(1, FEATURES))
    done: Pass | None = None
    for opened in ([1.0, 0.0, 0.0], [0.0, 0.0, 1.0]):
        done = batch(fixed([torch.tensor([opened], dtype=torch.float64)]), carry=done)
    known = done.products  # type: ignore[union-attr]
    assert isinstance(known, InputProducts)
    assert known.opened.tolist() == known.computed.tolist() == [[1.0, 0.0, 1.0]]
    assert known.scores is None


def test_a_pass_of_another_batch_is_not_carried_on_from():
    network = network_of("3x2", recurrent=True)
    gates = random_gates(network, ROWS)
    other = batch_of(network, normal(ROWS, FEATURES, seed=1))(fixed(gates))
    with pytest.raises(ProtocolError, match="not made by this batch"):
        batch_of(network, normal(ROWS, FEATURES))(fixed(gates), carry=other)
