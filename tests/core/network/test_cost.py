"""Multiply-adds, against numbers worked out by hand for 5 features and 3 classes.

One layer of 4 x 3 units: the input product is 5 x (open units), the read-out (open units) x 3, the gater 5 x 4.
"""

import pytest
import torch
from torch import Tensor

from core.architecture import Architecture
from core.network.cost import dense_macs, equal_macs_dense, gated_macs
from core.parts.gates import open_all
from core.strategy import Decide, Decision, Pass, ProtocolError, Site
from tests.support.networks import FEATURES, batch_of, fixed, network_of, normal


def rows(*gates: list[float]) -> Tensor:
    return torch.tensor(gates, dtype=torch.float64)


TWO_OPEN = [1.0, 0.0, 1.0, 0.0]
ONE_OPEN = [0.0, 0.0, 0.0, 1.0]
NONE_OPEN = [0.0] * 4
THREE_OPEN = [1.0, 1.0, 0.0, 1.0]


def one_pass(layers: str, *gates: Tensor, gate_grad="open", score: str = "scores") -> Pass:
    done: Pass = network_of(layers)(normal(len(gates[0]), FEATURES), fixed(list(gates), gate_grad, score=score))
    return done


def test_dense_costs_every_block_and_no_gater():
    done = network_of("4x3")(normal(2, FEATURES), open_all)
    assert done.macs.tolist() == [5 * 12 + 12 * 3] * 2
    # Forward, weight gradients, and the gradient to the hidden layer; none to the data.
    assert done.training_macs.tolist() == [96 + 96 + 36] * 2


def test_one_gated_layer_costs_open_blocks_and_its_gater():
    done = one_pass("4x3", rows(TWO_OPEN, ONE_OPEN, NONE_OPEN))
    assert done.macs.tolist() == [20 + 5 * 6 + 6 * 3, 20 + 5 * 3 + 3 * 3, 20]
    assert done.training_macs.tolist() == [40 + 60 + 54, 40 + 30 + 27, 40]


def test_real_gates_cost_as_much_as_binary_ones():
    done = one_pass("4x3", rows([0.1, 0.0, -2.0, 0.0]))
    assert done.macs.tolist() == [68]


def test_a_gater_that_is_not_asked_costs_nothing():
    done = one_pass("4x3", rows(TWO_OPEN), score="")
    assert done.macs.tolist() == [48]
    assert done.training_macs.tolist() == [60 + 54]


def test_a_gater_is_charged_once_however_often_it_is_asked():
    def decide(site: Site) -> Decision:
        assert site.scores is site.scores
        assert site.scores_detached is site.scores_detached
        return Decision(rows(TWO_OPEN[: site.blocks]))

    assert (
        network_of("4x3,2x2")(normal(1, FEATURES), decide).macs.tolist()
        == one_pass("4x3,2x2", rows(TWO_OPEN), rows(TWO_OPEN[:2])).macs.tolist()
    )


@pytest.mark.parametrize(
    ("gate_grad", "score", "training"),
    [
        # Gaters 5x4 and 6x2, layers 5x6 and 6x2, read-out 2x3: each once forward, once for the weight, and all but the
        # first two once for the hidden layer below.
        ("open", "scores", 2 * 20 + 3 * 12 + 2 * 30 + 3 * 12 + 3 * 6),
        ("open", "scores_detached", 2 * 20 + 2 * 12 + 2 * 30 + 3 * 12 + 3 * 6),
        ("open", "", 2 * 30 + 3 * 12 + 3 * 6),
        # Exact gates: forward for all 12 and all 4 units; gradients to all 12 and all 4, from the open ones.
        ("exact", "scores", (20 + 20) + (12 + 12 + 24) + (60 + 30) + (24 + 12 + 24) + (6 + 6 + 12)),
        ("exact", "", (60 + 30) + (24 + 12 + 24) + (6 + 6 + 12)),
    ],
)
def test_training_two_layers_costs_forward_weight_and_hidden_gradients(gate_grad, score, training):
    done = one_pass("4x3,2x2", rows(TWO_OPEN), rows([0.0, 1.0]), gate_grad=gate_grad, score=score)
    assert done.training_macs.tolist() == [training]
    assert done.macs.tolist() == [30 + 12 + 6 + (20 + 12 if score else 0)]


def test_a_closed_first_layer_leaves_the_second_and_its_gater_nothing_to_read():
    done = one_pass("4x3,2x2", rows(NONE_OPEN), rows([1.0, 1.0]))
    assert done.macs.tolist() == [20 + 0 + 0 + 0 + 4 * 3]


@pytest.mark.parametrize("gate_grad", ["open", "exact"])
def test_without_gradients_training_costs_only_the_forward_pass(gate_grad):
    with torch.no_grad():
        done = one_pass("4x3,2x2", rows(TWO_OPEN), rows([0.0, 1.0]), gate_grad=gate_grad)
    assert done.macs.tolist() == done.training_macs.tolist() == [80]


@pytest.mark.parametrize(
    ("gate_grad", "training_first", "training_second"),
    [
        # The second pass reads 5 features for the block that was not open yet, and the 6 open units of the state, which
        # receive a gradient too, for it and for the gater.
        ("open", 40 + 60 + 54, (24 + 24 + 24) + (15 + 15) + (18 + 18 + 18) + 27),
        # The state's 12 units all do after exact gates, which have computed every block.
        ("exact", 40 + (60 + 30) + (18 + 18 + 36), (24 + 24 + 48) + (0 + 15) + (18 + 18 + 36) + 27),
    ],
)
def test_two_passes_cost_the_carried_state_too(gate_grad, training_first, training_second):
    batch = batch_of(network_of("4x3", recurrent=True), normal(1, FEATURES))
    first = batch(fixed([rows(TWO_OPEN)], gate_grad, score="scores"))
    second = batch(fixed([rows(ONE_OPEN)], score="scores"), carry=first)
    assert first.macs.tolist() == [20 + 30 + 18]
    assert second.macs.tolist() == [24 + 15 + 18 + 9]
    assert batch.macs(second).tolist() == [68 + 66]
    assert first.training_macs.tolist() == [training_first]
    assert second.training_macs.tolist() == [training_second]
    assert batch.training_macs() == training_first + training_second


@pytest.mark.parametrize("first_layer", [[THREE_OPEN, TWO_OPEN, ONE_OPEN], [ONE_OPEN, ONE_OPEN, NONE_OPEN]])
def test_products_with_the_unchanged_input_are_charged_once_over_all_passes(first_layer):
    """Against a count by row and block: the gater once, each block when first opened, and what the state adds."""
    batch = batch_of(network_of("4x3,2x2", recurrent=True), normal(2, FEATURES))
    second_layer = [[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
    done: list[Pass] = []
    for above in second_layer:
        gates = [rows(first_layer[len(done)], TWO_OPEN), rows(above, above)]
        done.append(batch(fixed(gates, score="scores"), carry=done[-1] if done else None))
    for row in range(2):
        opened: set[int] = set()
        state = 0
        for number, above in enumerate(second_layer):
            below = {block for block, gate in enumerate(first_layer[number] if row == 0 else TWO_OPEN) if gate}
            units, top = 3 * len(below), 2 * int(sum(above))
            input_part = 5 * 4 * (number == 0) + 5 * 3 * len(below - opened)
            macs = input_part + state * (4 + units) + units * (2 + top) + top * 3
            assert done[number].macs[row].item() == macs
            # Once forward and once for the weight; and for what was open below, but the data.
            assert done[number].training_macs[row].item() == 2 * input_part + 3 * (macs - input_part)
            opened |= below
            state = top


def test_a_pass_with_gradients_makes_products_again_that_an_earlier_one_made_without():
    batch = batch_of(network_of("4x3", recurrent=True), normal(1, FEATURES), torch.tensor([0]))
    with torch.no_grad():
        blind = batch(fixed([rows(TWO_OPEN)], score="scores"))
    second = batch(fixed([rows(TWO_OPEN)], score="scores"), carry=blind)
    assert second.macs.tolist() == [5 * 4 + 6 * 4 + 5 * 6 + 6 * 6 + 6 * 3]
    with torch.no_grad():
        third = batch(fixed([rows(TWO_OPEN)], score="scores"), carry=second)
    assert third.macs.tolist() == third.training_macs.tolist() == [6 * 4 + 6 * 6 + 6 * 3]


def test_a_pass_that_carries_on_from_a_mix_makes_all_products_itself():
    batch = batch_of(network_of("4x3", recurrent=True), normal(1, FEATURES))
    passes = [batch(fixed([rows(gates)], score="scores")) for gates in (TWO_OPEN, TWO_OPEN)]
    mixed = batch.mix(passes, rows([0.5], [0.5]))
    done = batch(fixed([rows(TWO_OPEN)], score="scores"), carry=mixed)
    assert done.macs.tolist() == [(5 + 6) * (4 + 6) + 6 * 3]


def test_single_scores_of_a_further_pass_are_charged_in_full():
    batch = batch_of(network_of("4x3", recurrent=True), normal(1, FEATURES))
    first = batch(fixed([rows(TWO_OPEN)], score="scores"))

    def decide(site: Site) -> Decision:
        site.scores_at(torch.tensor([[1, 2]]))
        return Decision(rows(NONE_OPEN))

    assert batch(decide, carry=first).macs.tolist() == [(5 + 6) * 2]


def test_samples_are_charged_to_their_example():
    batch = batch_of(network_of("4x3"), normal(2, FEATURES))
    done = batch(fixed([rows(TWO_OPEN, ONE_OPEN, THREE_OPEN, NONE_OPEN)]), samples=2)
    assert done.macs.tolist() == [48, 24, 72, 0]
    assert batch.macs(done).tolist() == [48 + 72, 24 + 0]
    assert [layer.tolist() for layer in batch.executed(done)] == [[[2, 1, 1, 1], [0, 0, 0, 1]]]
    assert batch.training_macs() == 30 * 2 + 18 * 3 + 15 * 2 + 9 * 3 + 45 * 2 + 27 * 3


def test_halting_refunds_passes_after_the_last_weight_but_not_their_training():
    batch = batch_of(network_of("4x3"), normal(4, FEATURES))
    passes = [batch(fixed([rows(*[gates] * 4)])) for gates in (TWO_OPEN, ONE_OPEN, THREE_OPEN)]
    mixed = batch.mix(passes, rows([1.0, 0.5, 0.5, 0.0], [0.0, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 1.0]))
    assert mixed.macs.tolist() == [48, 48 + 24, 48 + 24 + 72, 48 + 24 + 72]
    assert batch.macs(mixed).tolist() == mixed.macs.tolist()
    times = [[1, 0, 1, 0], [1, 0, 1, 1], [2, 1, 1, 2], [2, 1, 1, 2]]
    assert mixed.executed[0].tolist() == times
    assert batch.executed(mixed)[0].tolist() == times
    assert mixed.training_macs.tolist() == [(60 + 54) + (30 + 27) + (90 + 81)] * 4
    assert batch.training_macs() == 4 * 342


def test_a_pass_left_out_of_the_mix_is_still_paid_for():
    batch = batch_of(network_of("4x3"), normal(1, FEATURES))
    batch(fixed([rows(THREE_OPEN)]))
    passes = [batch(fixed([rows(gates)])) for gates in (TWO_OPEN, ONE_OPEN)]
    mixed = batch.mix(passes, rows([1.0], [0.0]))
    assert mixed.macs.tolist() == [48]
    assert batch.macs(mixed).tolist() == [72 + 48]


def test_a_mix_refunds_nothing_to_an_answer_other_than_itself():
    batch = batch_of(network_of("4x3"), normal(1, FEATURES))
    first, second = (batch(fixed([rows(gates)])) for gates in (TWO_OPEN, ONE_OPEN))
    batch.mix([first, second], rows([1.0], [0.0]))
    assert batch.macs(second).tolist() == [48 + 24]
    assert batch.executed(second)[0].sum().item() == 3


def test_an_answer_that_the_batch_did_not_make_has_no_cost():
    network = network_of("4x3")
    batch, other = (batch_of(network, normal(1, FEATURES)) for _ in range(2))
    batch(fixed([rows(ONE_OPEN)]))
    with pytest.raises(ProtocolError, match="not made by this batch"):
        batch.macs(other(fixed([rows(ONE_OPEN)])))


def test_a_head_is_charged_for_the_open_units_it_reads():
    batch = batch_of(network_of("4x3"), normal(2, FEATURES))
    done = batch(fixed([rows(TWO_OPEN, ONE_OPEN)]))
    before = batch.training_macs()
    head = torch.nn.Linear(12, 2).double()
    torch.testing.assert_close(batch.project(done, head), done.hidden @ head.weight.T + head.bias)
    assert batch.macs(done).tolist() == [48 + 6 * 2, 24 + 3 * 2]
    # Forward, its weight's gradient and the gradient to the hidden units.
    assert batch.training_macs() == before + 3 * (6 + 3) * 2
    batch.project(done, torch.nn.Linear(FEATURES, 1).double(), layer=0)
    assert batch.macs(done).tolist() == [48 + 12 + FEATURES, 24 + 6 + FEATURES]


def test_single_scores_are_charged_one_by_one():
    network = network_of("4x3")
    batch = batch_of(network, normal(2, FEATURES))
    seen = {}

    def decide(site):
        seen["single"] = site.scores_at(torch.tensor([[2, 0], [1, 3]]))
        return Decision(torch.zeros(2, 4, dtype=torch.float64))

    done = batch(decide)
    assert done.macs.tolist() == [2 * FEATURES] * 2
    everything = network.gaters[0](normal(2, FEATURES))
    torch.testing.assert_close(seen["single"], everything.gather(1, torch.tensor([[2, 0], [1, 3]])))


def test_scores_with_and_without_a_gradient_are_two_products_in_training():
    def decide_with(*kinds: str) -> Decide:
        def decide(site):
            for kind in kinds:
                getattr(site, kind)
            return Decision(torch.ones(1, site.blocks, dtype=torch.float64))

        return decide

    batch = batch_of(network_of("4x3,2x2"), normal(1, FEATURES))
    once, twice = batch(decide_with("scores")), batch(decide_with("scores", "scores_detached"))
    assert once.macs.tolist() == twice.macs.tolist()
    # Above the first layer: 12 units to 2 logits, forward and weight gradient.
    assert (twice.training_macs - once.training_macs).tolist() == [2 * 12 * 2]


# By layer of "4x3,2x2" with 6 and 2 units open: the closed units, which the pass has not computed, and what all units
# contribute to what is read next; and for each candidate the layers after the next one.
TABLES = [(0, 5 * 6 + 12 * 2, 2 * 3), (1, 6 * 2 + 4 * 3, 0)]


@pytest.mark.parametrize(("layer", "table", "candidate"), TABLES)
def test_flips_are_charged_to_training(layer, table, candidate):
    batch = batch_of(network_of("4x3,2x2"), normal(2, FEATURES), torch.tensor([0, 1]))
    done = batch(fixed([rows(TWO_OPEN, TWO_OPEN), rows([0.0, 1.0], [0.0, 1.0])]))
    before = batch.training_macs()
    blocks = done.decisions[layer].gates.shape[1]
    for times in (1, 2):
        batch.flips(done, layer)
        assert batch.training_macs() == before + times * 2 * (table + blocks * candidate)
    assert batch.macs(done).tolist() == done.macs.tolist()


@pytest.mark.parametrize(("layer", "macs", "candidate"), TABLES)
def test_a_table_is_charged_once_and_its_candidates_as_later_layers(layer, macs, candidate):
    batch = batch_of(network_of("4x3,2x2"), normal(2, FEATURES), torch.tensor([0, 1]))
    done = batch(fixed([rows(TWO_OPEN, TWO_OPEN), rows([0.0, 1.0], [0.0, 1.0])]))

    def spent_by(call) -> float:
        before = batch.training_macs()
        call()
        return batch.training_macs() - before

    assert spent_by(lambda: batch.table(done, layer)) == 2 * macs
    table = batch.table(done, layer)
    several = table.gates[:, None].expand(-1, 5, -1)
    assert spent_by(lambda: table.losses(table.gates)) == 2 * candidate
    assert spent_by(lambda: table.losses(several)) == 2 * 5 * candidate
    assert spent_by(lambda: table.flips(several)) == 2 * 5 * several.shape[2] * candidate
    pairs = {0: 2 * 2, 1: 1 * 1}[layer]
    assert spent_by(lambda: table.swaps(table.gates)) == 2 * pairs * candidate


def test_swaps_of_rows_with_other_numbers_of_open_blocks_are_charged_by_their_own_pairs():
    batch = batch_of(network_of("4x3,2x2"), normal(3, FEATURES), torch.tensor([0, 1, 2]))
    done = batch(fixed([rows(TWO_OPEN, ONE_OPEN, NONE_OPEN), rows(*[[0.0, 1.0]] * 3)]))
    table = batch.table(done, 0)
    before = batch.training_macs()
    table.swaps(table.gates)
    assert batch.training_macs() - before == (2 * 2 + 1 * 3 + 0) * 2 * 3


def test_flips_of_a_carried_pass_read_the_open_units_of_the_state():
    batch = batch_of(network_of("4x3", recurrent=True), normal(1, FEATURES), torch.tensor([0]))
    done = batch(fixed([rows(ONE_OPEN)]), carry=batch(fixed([rows(TWO_OPEN)])))
    before = batch.training_macs()
    batch.flips(done, 0)
    assert batch.training_macs() == before + (5 + 6) * 9 + 12 * 3


def test_dense_macs_are_the_products_of_neighbouring_widths():
    assert dense_macs(Architecture.parse("4x3,2x2", 5, 3)) == 5 * 12 + 12 * 4 + 4 * 3


def test_gated_macs_are_those_of_a_pass_at_that_density():
    done = one_pass("4x3,2x2", rows(TWO_OPEN), rows([0.0, 1.0]))
    assert gated_macs(Architecture.parse("4x3,2x2", 5, 3), 0.5) == done.macs.item() == 80


@pytest.mark.parametrize(
    ("network", "features", "classes", "density", "expected"),
    [
        ("16x16", 784, 10, 1 / 8, "1x48"),
        # Both 2 and 3 units are 2 multiply-adds away from 4 x 2 + 2: the narrower one.
        ("1x4", 2, 2, 0.5, "1x2"),
        # All open, 10 x (4 + 2) + 4 x 2 = 68, nearest to 6 x 12: wider than the 4 gated units.
        ("2x2", 10, 2, 1.0, "1x6"),
        # The gated layer costs next to nothing, but one unit must remain.
        ("1x64", 1, 2, 0.001, "1x1"),
    ],
)
def test_equal_macs_dense_is_the_dense_width_of_nearest_cost(network, features, classes, density, expected):
    assert equal_macs_dense(Architecture.parse(network, features, classes), density).network == expected


def test_equal_macs_dense_keeps_the_proportions_of_widths_and_all_else():
    architecture = Architecture.parse("16x16,8x16,4x16", 784, 10, "tanh")
    dense = equal_macs_dense(architecture, 0.25)
    widths = [layer.units for layer in dense.layers]
    assert [layer.blocks for layer in dense.layers] == [1, 1, 1]
    assert widths[0] == pytest.approx(2 * widths[1], abs=1)
    assert widths[1] == pytest.approx(2 * widths[2], abs=1)
    assert (dense.features, dense.classes, dense.activation) == (784, 10, "tanh")
    assert dense_macs(dense) == pytest.approx(gated_macs(architecture, 0.25), rel=0.01)
