import pytest
import torch
from torch import Tensor

from core.strategy import ProtocolError, SinglePass
from core.training.batch import CountedBatch
from tests.support.networks import FEATURES, batch_of, fixed, network_of, normal, random_gates

ROWS = 3
Y = torch.tensor([2, 0, 1])
LAYERS = ("4x2", "4x2,3x3", "3x2,2x3,4x1")


def flipped(gates: list[Tensor], layer: int, block: int) -> list[Tensor]:
    changed = [each.clone() for each in gates]
    changed[layer][:, block] = (changed[layer][:, block] == 0).double()
    return changed


def assert_brute_force(batch: CountedBatch, base: SinglePass, gates: list[Tensor], again) -> None:
    """Every flip's loss is that of ``again`` with that gate of every row flipped."""
    for layer, of_layer in enumerate(gates):
        found = batch.flips(base, layer)
        expected = torch.stack([again(flipped(gates, layer, block)).loss for block in range(of_layer.shape[1])], dim=1)
        assert found.shape == of_layer.shape
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("kind", ["binary", "real"])
@pytest.mark.parametrize("samples", [1, 2])
def test_flips_are_the_losses_of_running_again_with_one_gate_flipped(layers, activation, kind, samples):
    network = network_of(layers, activation=activation)
    batch = batch_of(network, normal(ROWS, FEATURES), Y)
    gates = random_gates(network, ROWS * samples, kind=kind)
    base = batch(fixed(gates), samples=samples)
    assert_brute_force(batch, base, gates, lambda changed: batch(fixed(changed), samples=samples))


@pytest.mark.parametrize("layers", LAYERS)
@pytest.mark.parametrize("kind", ["binary", "real"])
@pytest.mark.parametrize("samples", [1, 2])
def test_flips_of_a_carried_pass_keep_its_state(layers, kind, samples):
    network = network_of(layers, recurrent=True)
    batch = batch_of(network, normal(ROWS, FEATURES), Y)
    first = batch(fixed(random_gates(network, ROWS * samples, seed=1)), samples=samples)
    gates = random_gates(network, ROWS * samples, kind=kind, seed=2)
    base = batch(fixed(gates), carry=first, samples=samples)
    assert_brute_force(batch, base, gates, lambda changed: batch(fixed(changed), carry=first, samples=samples))


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_flips_of_all_closed_and_all_open_layers(value):
    network = network_of("4x2,3x3")
    batch = batch_of(network, normal(ROWS, FEATURES), Y)
    gates = [torch.full_like(layer, value) for layer in random_gates(network, ROWS)]
    assert_brute_force(batch, batch(fixed(gates)), gates, lambda changed: batch(fixed(changed)))


def test_flips_of_exact_gates_are_the_same():
    network = network_of("4x2,3x3")
    batch = batch_of(network, normal(ROWS, FEATURES), Y)
    gates = random_gates(network, ROWS)
    for layer in range(2):
        torch.testing.assert_close(
            batch.flips(batch(fixed(gates, "exact")), layer), batch.flips(batch(fixed(gates)), layer)
        )


def test_flips_send_no_gradient():
    network = network_of("4x2")
    batch = batch_of(network, normal(ROWS, FEATURES), Y)
    assert not batch.flips(batch(fixed(random_gates(network, ROWS))), 0).requires_grad


def test_flips_without_labels_break_the_protocol():
    network = network_of("4x2")
    batch = batch_of(network, normal(ROWS, FEATURES))
    with pytest.raises(ProtocolError, match="labels are withheld"):
        batch.flips(batch(fixed(random_gates(network, ROWS))), 0)


def test_flips_of_a_mix_break_the_protocol():
    network = network_of("4x2")
    batch = batch_of(network, normal(ROWS, FEATURES), Y)
    passes = [batch(fixed(random_gates(network, ROWS, seed=seed))) for seed in range(2)]
    mixed = batch.mix(passes, torch.full((2, ROWS), 0.5, dtype=torch.float64))
    with pytest.raises(ProtocolError, match="not a mix"):
        batch.flips(mixed, 0)  # type: ignore[arg-type]
