"""The gated transformer: its formula, its costs worked out by hand, and what its rows are."""

import pytest
import torch
from torch import Tensor

from core.network.transformer import TransformerNetwork
from core.parts.gates import explicit, open_all
from core.strategy import Decision, ProtocolError, Site
from core.training.batch import CountedBatch
from tests.core.network.small_transformers import LETTERS, in_plain_pytorch, letters, transformer_of
from tests.support.networks import batch_of, fixed, random_gates, seeded

TINY = "transformer:layers=2,width=4,heads=2,context=3,blocks=4x2"
CONTEXT = 3


def gates_of(network: TransformerNetwork, sequences: int, kind: str = "binary") -> list[Tensor]:
    return random_gates(network, sequences * CONTEXT, kind=kind)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["binary", "real"])
def test_it_is_a_transformer_whose_hidden_units_are_multiplied_by_their_gates(kind):
    network, x = transformer_of(TINY), letters(5, CONTEXT)
    gates = gates_of(network, 5, kind)
    torch.testing.assert_close(network(x, explicit(gates)).output, in_plain_pytorch(network, x, gates))


@pytest.mark.parametrize("gate_grad", ["open", "exact"])
def test_its_gradients_are_those_of_the_formula(gate_grad):
    network, x = transformer_of(TINY), letters(4, CONTEXT)
    found, plain = ([gate.requires_grad_() for gate in gates_of(network, 4, "real")] for _ in range(2))
    values = [*network.parameters()]
    weights = torch.randn(4 * CONTEXT, LETTERS, generator=seeded(1), dtype=torch.float64)
    ours = torch.autograd.grad((network(x, fixed(found, gate_grad)).output * weights).sum(), [*values, *found],
                               allow_unused=True, materialize_grads=True)  # fmt: skip
    theirs = torch.autograd.grad((in_plain_pytorch(network, x, plain) * weights).sum(), [*values, *plain],
                                 allow_unused=True, materialize_grads=True)  # fmt: skip
    torch.testing.assert_close(ours[: len(values)], theirs[: len(values)])
    for gate, one, other in zip(found, ours[len(values) :], theirs[len(values) :], strict=True):
        closed = gate == 0
        torch.testing.assert_close(one[~closed], other[~closed])
        expected = other[closed] if gate_grad == "exact" else torch.zeros_like(one[closed])
        torch.testing.assert_close(one[closed], expected)


def test_no_position_knows_what_comes_after_it():
    network, x = transformer_of(TINY), letters(4, CONTEXT)
    changed = x.clone()
    changed[:, 2] = (changed[:, 2] + 1) % LETTERS
    before, after = (network(each, open_all) for each in (x, changed))
    for one, other in ((before.output, after.output), *zip(before.inputs, after.inputs, strict=True)):
        earlier, later = ((one == other).all(dim=1).view(4, CONTEXT)[:, places] for places in ([0, 1], [2]))
        assert bool(earlier.all())
        assert not bool(later.any())


def test_each_position_is_charged_for_what_it_attends_to_and_for_its_own_open_blocks():
    """Width 4: queries, keys, values and output 4 x 16; with each letter up to here 2 x 4; a gater 4 x 4."""
    network, x = transformer_of(TINY), letters(1, CONTEXT)
    first = torch.tensor([[1.0, 0, 0, 1], [0, 0, 0, 0], [0, 1, 1, 1]], dtype=torch.float64)
    second = torch.tensor([[0.0, 0, 0, 1], [0.5, 0, 0, 0], [1, 1, 1, 1]], dtype=torch.float64)
    done = network(x, fixed([first, second], score="scores"))
    attention = [64 + 8, 64 + 16, 64 + 24]
    # Blocks of two units, read by 4 and written to 4: 16 each.
    expected = [
        2 * attention[0] + 2 * 16 + 16 * (2 + 1) + 12,
        2 * attention[1] + 2 * 16 + 16 * (0 + 1) + 12,
        2 * attention[2] + 2 * 16 + 16 * (3 + 4) + 12,
    ]
    assert done.macs.tolist() == expected
    # Everything once more for weights and once more for inputs: nothing reads the data but tables.
    assert done.training_macs.tolist() == [3 * each for each in expected]


def test_the_true_gradient_of_closed_gates_costs_their_blocks_in_training():
    network, x = transformer_of(TINY), letters(1, CONTEXT)
    closed = torch.zeros(CONTEXT, 4, dtype=torch.float64)
    plain, exact = (network(x, fixed([closed, closed], grad)).training_macs for grad in ("open", "exact"))
    # In each layer 8 units are computed from 4, and have their gradient from 4; with no open unit no weight learns.
    assert (exact - plain).tolist() == [2 * (4 * 8 + 8 * 4)] * CONTEXT
    assert torch.equal(*(network(x, fixed([closed, closed], grad)).macs for grad in ("open", "exact")))


def test_rows_are_positions_and_samples_are_copies_of_them():
    network, x, y = transformer_of(TINY), letters(5, CONTEXT), letters(5, CONTEXT, seed=1)
    batch = batch_of(network, x, y)  # type: ignore[arg-type]
    assert batch.rows == 15
    done = batch(open_all, samples=2)
    assert done.loss is not None
    assert done.output.shape == (30, LETTERS)
    torch.testing.assert_close(done.loss[:15], done.loss[15:])
    expected = torch.nn.functional.cross_entropy(done.output[:15], y.flatten(), reduction="none")
    torch.testing.assert_close(done.loss[:15], expected)


def test_the_cost_to_go_is_of_all_positions_that_attend_to_a_gate():
    network, x, y = transformer_of(TINY), letters(2, CONTEXT), letters(2, CONTEXT, seed=1)
    batch = batch_of(network, x, y)  # type: ignore[arg-type]
    done = batch(open_all)
    assert done.loss is not None
    first, second = batch.cost_to_go(done)
    own = done.loss.detach().view(1, 2, CONTEXT)
    assert torch.equal(second, own)
    torch.testing.assert_close(first, torch.stack([own[..., place:].sum(dim=2) for place in range(CONTEXT)], dim=2))


@pytest.mark.parametrize("layer", [0, 1])
@pytest.mark.parametrize("place", range(CONTEXT))
def test_a_gate_changes_no_loss_but_those_of_its_cost_to_go(layer, place):
    network, x, y = transformer_of(TINY, scale=2), letters(1, CONTEXT), letters(1, CONTEXT, seed=1)
    gates = [torch.ones(CONTEXT, 4, dtype=torch.float64) for _ in range(2)]
    before = batch_of(network, x, y)(explicit(gates)).loss  # type: ignore[arg-type]
    gates[layer][place, 0] = 0.0
    after = batch_of(network, x, y)(explicit(gates)).loss  # type: ignore[arg-type]
    assert before is not None
    assert after is not None
    changed = ((before - after).abs() > 1e-12).tolist()
    assert changed == [place <= each if layer == 0 else place == each for each in range(CONTEXT)]


def test_flips_and_passes_are_refused():
    network, x, y = transformer_of(TINY), letters(2, CONTEXT), letters(2, CONTEXT, seed=1)
    batch = batch_of(network, x, y)  # type: ignore[arg-type]
    done = batch(open_all)
    with pytest.raises(ProtocolError, match="has no flips"):
        batch.flips(done, 0)
    with pytest.raises(ProtocolError, match="does not declare that it needs passes"):
        batch(open_all, carry=done)


def test_a_strategys_own_gater_is_charged_by_what_it_reads():
    network, x = transformer_of(TINY), letters(1, CONTEXT)
    own = torch.nn.Linear(4, 4, dtype=torch.float64)

    def decide(site: Site) -> Decision:
        return Decision((site.map(own) > 0).to(site.hidden.dtype))

    with torch.no_grad():
        mapped = network(x, decide)
        asked = network(x, fixed([decision.gates for decision in mapped.decisions], score="scores"))
    assert torch.equal(mapped.macs, asked.macs)


def test_the_fallback_opens_the_likeliest_block_of_a_row():
    network, x = transformer_of(TINY), letters(1, CONTEXT)
    likely = torch.tensor([[0.1, 0.4, 0.2, 0.3]], dtype=torch.float64).expand(CONTEXT, -1)

    def decide(site: Site) -> Decision:
        return Decision(torch.zeros_like(likely), likely)

    batch = CountedBatch(network, x, None, seeded(), density=0.5, fallback=True)
    assert [layer.tolist() for layer in batch(decide).executed] == [[[0, 1, 0, 0]] * CONTEXT] * 2
