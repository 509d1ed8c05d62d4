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


class TestTable:
    """Losses under any gates of a layer, against running the network again under each."""

    @staticmethod
    def expected(batch: CountedBatch, gates: list[Tensor], layer: int, other: Tensor, **options) -> Tensor:
        done = batch(fixed([*gates[:layer], other, *gates[layer + 1 :]]), **options)
        assert done.loss is not None
        return done.loss

    @pytest.mark.parametrize("layers", LAYERS)
    @pytest.mark.parametrize("kind", ["binary", "real"])
    @pytest.mark.parametrize("carried", [False, True])
    @pytest.mark.parametrize("samples", [1, 2])
    def test_losses_are_those_of_running_again_under_each_candidate(self, layers, kind, carried, samples):
        network = network_of(layers, recurrent=carried)
        batch = batch_of(network, normal(ROWS, FEATURES), Y)
        gates = random_gates(network, ROWS * samples, kind=kind)
        first = batch(fixed(random_gates(network, ROWS * samples, seed=1)), samples=samples) if carried else None
        base = batch(fixed(gates), carry=first, samples=samples)
        for layer in range(len(gates)):
            table = batch.table(base, layer)
            assert torch.equal(table.gates, gates[layer])
            others = [random_gates(network, ROWS * samples, kind=kind, seed=seed)[layer] for seed in range(5, 9)]
            expected = [self.expected(batch, gates, layer, other, carry=first, samples=samples) for other in others]
            torch.testing.assert_close(table.losses(torch.stack(others, dim=1)), torch.stack(expected, dim=1))
            torch.testing.assert_close(table.losses(others[0]), expected[0])
            torch.testing.assert_close(table.losses(gates[layer]), base.loss)

    @pytest.mark.parametrize("layers", LAYERS)
    def test_flips_of_several_candidates_are_those_of_each(self, layers):
        network = network_of(layers)
        batch = batch_of(network, normal(ROWS, FEATURES), Y)
        gates = random_gates(network, ROWS)
        base = batch(fixed(gates))
        for layer in range(len(gates)):
            others = [random_gates(network, ROWS, seed=seed)[layer] for seed in range(5, 8)]
            found = batch.table(base, layer).flips(torch.stack(others, dim=1))
            for number, other in enumerate(others):
                assert_brute_force_of_layer(batch, found[:, number], gates, layer, other)

    @pytest.mark.parametrize("layers", LAYERS)
    def test_swaps_exchange_an_open_for_a_closed_block(self, layers):
        network = network_of(layers)
        batch = batch_of(network, normal(ROWS, FEATURES), Y)
        gates = random_gates(network, ROWS)
        # Rows with other numbers of open blocks, and one without a closed one.
        gates[0][0] = 1.0
        base = batch(fixed(gates))
        for layer, own in enumerate(gates):
            found = batch.table(base, layer).swaps(own)
            for i in range(own.shape[1]):
                for j in range(own.shape[1]):
                    valid = (own[:, i] != 0) & (own[:, j] == 0)
                    other = own.clone()
                    other[:, i], other[:, j] = 0.0, 1.0
                    loss = self.expected(batch, gates, layer, other)
                    torch.testing.assert_close(found[valid, i, j], loss[valid])
                    assert bool(found[~valid, i, j].isinf().all())

    @pytest.mark.parametrize("value", [0.0, 1.0])
    def test_nothing_can_be_swapped_where_all_blocks_are_alike(self, value):
        network = network_of("4x2")
        batch = batch_of(network, normal(ROWS, FEATURES), Y)
        own = torch.full((ROWS, 4), value, dtype=torch.float64)
        assert bool(batch.table(batch(fixed([own])), 0).swaps(own).isinf().all())

    @pytest.mark.parametrize("shape", [(ROWS, 3), (ROWS + 1, 4), (4,), (ROWS, 2, 3)])
    def test_gates_of_another_shape_break_the_protocol(self, shape):
        network = network_of("4x2")
        batch = batch_of(network, normal(ROWS, FEATURES), Y)
        table = batch.table(batch(fixed(random_gates(network, ROWS))), 0)
        for ask in (table.losses, table.flips, table.swaps):
            with pytest.raises(ProtocolError, match=r"expected \[3, 4\]"):
                ask(torch.ones(shape, dtype=torch.float64))

    def test_a_table_needs_labels_and_a_layer_of_the_network(self):
        network = network_of("4x2")
        batch = batch_of(network, normal(ROWS, FEATURES))
        with pytest.raises(ProtocolError, match="labels are withheld"):
            batch.table(batch(fixed(random_gates(network, ROWS))), 0)
        batch = batch_of(network, normal(ROWS, FEATURES), Y)
        with pytest.raises(ProtocolError, match=r"layer 1, expected 0\.\.0"):
            batch.table(batch(fixed(random_gates(network, ROWS))), 1)


def assert_brute_force_of_layer(batch: CountedBatch, found: Tensor, gates: list[Tensor], layer: int, own: Tensor):
    """Every flip of ``own`` gates of a layer has the loss of running again with it."""
    changed = [*gates[:layer], own, *gates[layer + 1 :]]
    for block in range(own.shape[1]):
        done = batch(fixed(flipped(changed, layer, block)))
        torch.testing.assert_close(found[:, block], done.loss)
