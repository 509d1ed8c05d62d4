from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.autograd import grad
from torch.nn.functional import cross_entropy

from core.network.fully_connected import FullyConnectedNetwork
from core.strategy import Decide, Decision, Pass, ProtocolError, Site
from tests.support.networks import FEATURES, fixed, masked_dense, network_of, normal, random_gates

ROWS = 6
Y = torch.arange(ROWS) % 3


@pytest.mark.parametrize("layers", ["4x2", "1x3", "4x2,3x5", "2x2,1x4,3x1"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("kind", ["binary", "real"])
@pytest.mark.parametrize("gate_grad", ["open", "exact"])
def test_forward_is_the_masked_dense_formula(layers, activation, kind, gate_grad):
    network = network_of(layers, activation=activation)
    x, gates = normal(ROWS, FEATURES), random_gates(network, ROWS, kind=kind)
    hidden, output = masked_dense(network, x, gates)
    done = network(x, fixed(gates, gate_grad))
    torch.testing.assert_close(done.hidden, hidden)
    torch.testing.assert_close(done.output, output)
    assert done.loss is None
    assert done.samples == 1


def test_a_pass_tells_which_gates_were_executed_and_what_every_layer_read():
    network = network_of("4x2,3x5")
    x, gates = normal(ROWS, FEATURES), random_gates(network, ROWS, kind="real")
    done = network(x, fixed(gates))
    for executed, expected in zip(done.executed, gates, strict=True):
        assert torch.equal(executed, (expected != 0).double())
    first, _ = masked_dense(network_with_layers(network, 1), x, gates[:1])
    assert torch.equal(done.inputs[0], x)
    torch.testing.assert_close(done.inputs[1], first)
    assert torch.equal(done.inputs[2], done.hidden)


def network_with_layers(network: FullyConnectedNetwork, number: int) -> FullyConnectedNetwork:
    shorter = network_of(",".join(network.architecture.network.split(",")[:number]))
    shorter.layers.load_state_dict(network.layers[:number].state_dict())
    return shorter


def test_sites_come_in_order_with_the_gated_input_and_the_gaters_logits():
    network = network_of("4x2,3x5")
    x, gates = normal(ROWS, FEATURES), random_gates(network, ROWS)
    seen = []

    def decide(site: Site) -> Decision:
        seen.append((site.index, site.blocks, site.hidden, site.scores))
        return Decision(gates[site.index])

    done = network(x, decide)
    assert [(index, blocks) for index, blocks, *_ in seen] == [(0, 4), (1, 3)]
    for (*_, hidden, scores), read, gater in zip(seen, done.inputs[:-1], network.gaters, strict=True):
        assert torch.equal(hidden, read)
        assert torch.equal(scores, gater(read))


def loss_of(network: FullyConnectedNetwork, x: Tensor, gates: list[Tensor]) -> Tensor:
    return cross_entropy(masked_dense(network, x, gates)[1], Y)


def finite_differences(loss, gates: Tensor) -> Tensor:
    found = torch.zeros_like(gates)
    for position in range(gates.numel()):
        step = torch.zeros_like(gates)
        step.view(-1)[position] = 1e-6
        found.view(-1)[position] = (loss(gates + step) - loss(gates - step)) / 2e-6
    return found


@pytest.mark.parametrize("layers", ["3x2", "3x2,4x2"])
@pytest.mark.parametrize("kind", ["binary", "real"])
def test_exact_gates_get_the_true_derivative_of_the_loss_even_at_zero(layers, kind):
    network = network_of(layers)
    x, gates = normal(ROWS, FEATURES), random_gates(network, ROWS, kind=kind)
    leaves = [layer.clone().requires_grad_() for layer in gates]
    found = grad(cross_entropy(network(x, fixed(leaves, "exact")).output, Y), leaves)
    for index, layer in enumerate(gates):
        with torch.no_grad():
            expected = finite_differences(
                lambda moved, index=index: loss_of(network, x, [*gates[:index], moved, *gates[index + 1 :]]), layer
            )
        assert expected[layer == 0].abs().min() > 1e-6
        torch.testing.assert_close(found[index], expected, rtol=1e-5, atol=1e-8)


def test_open_gates_get_the_true_derivative_and_closed_ones_none():
    network = network_of("3x2,4x2")
    x, gates = normal(ROWS, FEATURES), random_gates(network, ROWS, kind="real")
    found = {}
    for gate_grad in ("open", "exact"):
        leaves = [layer.clone().requires_grad_() for layer in gates]
        found[gate_grad] = grad(cross_entropy(network(x, fixed(leaves, gate_grad)).output, Y), leaves)
    for layer, opened, exact in zip(gates, found["open"], found["exact"], strict=True):
        torch.testing.assert_close(opened, exact.masked_fill(layer == 0, 0.0))


@pytest.mark.parametrize("gate_grad", ["open", "exact"])
def test_parameters_get_the_gradient_of_the_masked_dense_formula(gate_grad):
    network = network_of("3x2,4x2", recurrent=True)
    x, gates = normal(ROWS, FEATURES), random_gates(network, ROWS)
    parameters = [
        parameter for name, parameter in network.named_parameters() if not name.startswith(("gaters", "recurrence"))
    ]
    expected = grad(loss_of(network, x, gates), parameters)
    found = grad(cross_entropy(network(x, fixed(gates, gate_grad)).output, Y), parameters)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("layers", ["3x2", "3x2,4x3"])
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("kind", ["binary", "real"])
@pytest.mark.parametrize("gate_grad", ["open", "exact"])
def test_a_carried_pass_adds_its_hidden_state_to_the_first_layer(layers, activation, kind, gate_grad):
    network = network_of(layers, recurrent=True, activation=activation)
    x = normal(ROWS, FEATURES)
    before, after = (random_gates(network, ROWS, kind=kind, seed=seed) for seed in (1, 2))
    first = network(x, fixed(before, gate_grad))
    second = network(x, fixed(after, gate_grad), first)
    state, _ = masked_dense(network, x, before)
    hidden, output = masked_dense(network, x, after, state)
    torch.testing.assert_close(first.hidden, state)
    torch.testing.assert_close(second.hidden, hidden)
    torch.testing.assert_close(second.output, output)
    assert (output - masked_dense(network, x, after)[1]).abs().max() > 1e-3


def test_without_a_carried_pass_a_recurrent_network_starts_from_a_zero_state():
    network = network_of("3x2,4x3", recurrent=True)
    x, gates = normal(ROWS, FEATURES), random_gates(network, ROWS)
    hidden = []

    def decide(site: Site) -> Decision:
        hidden.append(site.hidden)
        return Decision(gates[site.index])

    done = network(x, decide)
    torch.testing.assert_close(done.output, masked_dense(network, x, gates, normal(ROWS, 12) * 0)[1])
    assert torch.equal(hidden[0], torch.cat([x, torch.zeros(ROWS, 12, dtype=torch.float64)], dim=1))


def test_the_first_gater_of_a_recurrent_network_sees_the_carried_state():
    network = network_of("3x2", recurrent=True)
    x, gates = normal(ROWS, FEATURES), random_gates(network, ROWS)
    scores = []

    def decide(site: Site) -> Decision:
        scores.append(site.scores)
        return Decision(gates[site.index])

    first = network(x, decide)
    network(x, decide, first)
    assert torch.equal(scores[1], network.gaters[0](torch.cat([x, first.hidden], dim=1)))
    assert not torch.allclose(scores[0], scores[1])


def test_exact_gates_of_an_earlier_pass_get_their_true_derivative_through_the_carried_state():
    network = network_of("3x2", recurrent=True)
    x = normal(ROWS, FEATURES)
    before, after = (random_gates(network, ROWS, kind="real", seed=seed) for seed in (1, 2))
    leaf = before[0].clone().requires_grad_()
    first = network(x, fixed([leaf], "exact"))
    found = grad(cross_entropy(network(x, fixed(after, "exact"), first).output, Y), leaf)[0]

    def loss(moved: Tensor) -> Tensor:
        state, _ = masked_dense(network, x, [moved])
        return cross_entropy(masked_dense(network, x, after, state)[1], Y)

    with torch.no_grad():
        expected = finite_differences(loss, before[0])
    assert expected[before[0] == 0].abs().max() > 1e-4
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-8)


def scores_gradient(name: str) -> tuple[Tensor | None, Tensor | None]:
    """The gradient of the second layer's scores in the first layer's weight, and in the second gater's."""
    network = network_of("3x2,4x3")
    gates = random_gates(network, ROWS)
    asked = []

    def decide(site: Site) -> Decision:
        asked.append(getattr(site, name))
        return Decision(gates[site.index])

    network(normal(ROWS, FEATURES), decide)
    lower, gater = network.layers[0].weight, network.gaters[1].weight
    assert isinstance(lower, Tensor)
    assert isinstance(gater, Tensor)
    found = grad(asked[1].square().sum(), (lower, gater), allow_unused=True)
    return found[0], found[1]


def test_scores_send_their_gradient_to_the_lower_layers_and_detached_scores_do_not():
    through, of_gater = scores_gradient("scores")
    cut, of_gater_alone = scores_gradient("scores_detached")
    assert through is not None
    assert through.abs().max() > 0
    assert cut is None
    torch.testing.assert_close(of_gater, of_gater_alone)


def test_a_pass_under_no_grad_has_no_graph():
    network = network_of("3x2")
    with torch.no_grad():
        assert not network(normal(ROWS, FEATURES), fixed(random_gates(network, ROWS), "exact")).output.requires_grad


def ones(*size: int) -> Tensor:
    return torch.ones(size, dtype=torch.float64)


@pytest.mark.parametrize(
    ("decide", "message"),
    [
        (lambda site: ones(ROWS, 3), r"layer 0: decide returned Tensor, expected a Decision"),
        (lambda site: Decision(ones(ROWS, 2)), r"gates are torch\.float64 \[6, 2\], expected torch\.float64 \[6, 3\]"),
        (lambda site: Decision(ones(1, 3)), r"gates are .*\[1, 3\], expected .*\[6, 3\]"),
        (lambda site: Decision(ones(ROWS, 3).float()), r"gates are torch\.float32 .*expected torch\.float64"),
        (lambda site: Decision(ones(ROWS, 3) > 0), r"gates are torch\.bool"),
        (lambda site: Decision(ones(ROWS, 3), ones(3)), r"probability are .*\[3\], expected .*\[6, 3\]"),
    ],
)
def test_a_decision_that_does_not_fit_its_site_breaks_the_protocol(decide, message):
    with pytest.raises(ProtocolError, match=message):
        network_of("3x2")(normal(ROWS, FEATURES), decide)


def test_the_layer_of_a_bad_decision_is_named():
    network = network_of("3x2,3x2")

    def decide(site: Site) -> Decision:
        return Decision(ones(ROWS, 3 - site.index))

    with pytest.raises(ProtocolError, match="layer 1"):
        network(normal(ROWS, FEATURES), decide)


def run_twice(network: FullyConnectedNetwork, rows: int, decide: Decide) -> None:
    """Once over 6 rows, then carrying on over ``rows``."""
    first: Pass = network(normal(ROWS, FEATURES), decide)
    network(normal(rows, FEATURES), decide, first)


def all_open(site: Site) -> Decision:
    return Decision(ones(site.hidden.shape[0], site.blocks))


def test_carrying_on_without_recurrence_breaks_the_protocol():
    with pytest.raises(ProtocolError, match="does not declare that it needs passes"):
        run_twice(network_of("3x2"), ROWS, all_open)


def test_carrying_on_from_another_number_of_rows_breaks_the_protocol():
    with pytest.raises(ProtocolError, match="carried pass has 6 rows, this one has 4"):
        run_twice(network_of("3x2", recurrent=True), 4, all_open)


def test_reset_gives_every_part_its_own_generator_by_name():
    network = network_of("3x2,4x2", recurrent=True)
    asked = []

    def generator_for(name: str) -> torch.Generator:
        asked.append(name)
        return torch.Generator().manual_seed(len(asked))

    network.reset(generator_for, 0.25)
    assert sorted(asked) == ["gaters.0", "gaters.1", "layers.0", "layers.1", "readout", "recurrence"]
    for gater in network.gaters:
        assert torch.sigmoid(gater.bias).tolist() == pytest.approx([0.25] * len(gater.bias))  # type: ignore[arg-type]


def test_mean_loss_without_labels_breaks_the_protocol():
    network = network_of("3x2")
    done = network(normal(ROWS, FEATURES), all_open)
    with pytest.raises(ProtocolError, match="labels are withheld"):
        done.mean_loss()
    assert replace(done, loss=torch.tensor([1.0, 2.0])).mean_loss() == 1.5
