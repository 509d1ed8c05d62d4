import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from core.strategy import Decision, ProtocolError, Site
from tests.support.networks import FEATURES, batch_of, fixed, network_of, normal, random_gates

ROWS = 4
Y = torch.tensor([0, 2, 1, 2])


@pytest.fixture
def network():
    return network_of("3x2,2x3")


def test_loss_is_the_negative_log_likelihood_of_every_row(network):
    done = batch_of(network, normal(ROWS, FEATURES), Y)(fixed(random_gates(network, ROWS)))
    assert done.loss is not None
    for row, (logits, label) in enumerate(zip(done.output.tolist(), Y.tolist(), strict=True)):
        expected = math.log(sum(math.exp(logit) for logit in logits)) - logits[label]
        assert done.loss[row].item() == pytest.approx(expected)
    assert done.mean_loss().item() == pytest.approx(done.loss.mean().item())


def test_without_labels_there_is_no_loss(network):
    batch = batch_of(network, normal(ROWS, FEATURES))
    done = batch(fixed(random_gates(network, ROWS)))
    assert done.loss is None
    assert batch.mix([done], torch.ones(1, ROWS, dtype=torch.float64)).loss is None
    with pytest.raises(ProtocolError, match="labels are withheld"):
        done.mean_loss()


def test_samples_are_copies_of_the_batch_one_after_another(network):
    x = normal(ROWS, FEATURES)
    gates = [random_gates(network, ROWS, seed=seed) for seed in range(3)]
    together = [torch.cat(layers) for layers in zip(*gates, strict=True)]
    done = batch_of(network, x, Y)(fixed(together), samples=3)
    assert done.samples == 3
    assert done.loss is not None
    by_sample = done.loss.unflatten(0, (3, -1))
    assert by_sample.shape == (3, ROWS)
    for sample, each in enumerate(gates):
        alone = batch_of(network, x, Y)(fixed(each))
        torch.testing.assert_close(by_sample[sample], alone.loss)
    assert not torch.allclose(by_sample[0], by_sample[1])


def test_samples_of_a_carried_pass_carry_on_from_samples():
    network = network_of("3x2", recurrent=True)
    x = normal(ROWS, FEATURES)
    before, after = random_gates(network, 2 * ROWS, seed=1), random_gates(network, 2 * ROWS, seed=2)
    batch = batch_of(network, x, Y)
    done = batch(fixed(after), carry=batch(fixed(before), samples=2), samples=2)
    for sample, part in enumerate((slice(0, ROWS), slice(ROWS, None))):
        alone = batch_of(network, x, Y)
        expected = alone(fixed([after[0][part]]), carry=alone(fixed([before[0][part]])))
        torch.testing.assert_close(done.output.unflatten(0, (2, -1))[sample], expected.output)


@pytest.mark.parametrize("samples", [0, -1])
def test_less_than_one_sample_breaks_the_protocol(network, samples):
    with pytest.raises(ProtocolError, match=f"samples is {samples}"):
        batch_of(network, normal(ROWS, FEATURES))(fixed(random_gates(network, ROWS)), samples=samples)


def test_executed_adds_up_the_blocks_of_all_passes(network):
    batch = batch_of(network, normal(ROWS, FEATURES))
    gates = [random_gates(network, ROWS, kind="real", seed=seed) for seed in range(3)]
    passes = [batch(fixed(each)) for each in gates]
    for layer, executed in enumerate(batch.executed(passes[0])):
        assert torch.equal(executed, torch.stack([each[layer] != 0 for each in gates]).double().sum(dim=0))


def test_the_fallback_is_only_for_batches_that_ask_for_it(network):
    def decide(site: Site) -> Decision:
        gates = site.hidden.new_zeros(ROWS, site.blocks)
        return Decision(gates, torch.full_like(gates, 0.1).index_fill(1, torch.tensor(1), 0.2))

    closed = batch_of(network, normal(ROWS, FEATURES))(decide)
    opened = batch_of(network, normal(ROWS, FEATURES), fallback=True)(decide)
    assert [layer.sum().item() for layer in closed.executed] == [0, 0]
    assert [layer.sum(dim=0).tolist() for layer in opened.executed] == [[0, ROWS, 0], [0, ROWS]]


class TestMix:
    @pytest.fixture
    def batch(self, network):
        return batch_of(network, normal(ROWS, FEATURES), Y)

    @pytest.fixture
    def passes(self, network, batch):
        return [batch(fixed(random_gates(network, ROWS, seed=seed))) for seed in range(2)]

    def test_logits_and_hidden_states_are_weighted_sums_per_example(self, batch, passes):
        weights = torch.tensor([[1.0, 0.25, 0.5, 0.0], [0.0, 0.75, 0.5, 1.0]], dtype=torch.float64)
        mixed = batch.mix(passes, weights)
        for name in ("output", "hidden"):
            for row in range(ROWS):
                expected = sum(weights[t, row] * getattr(done, name)[row] for t, done in enumerate(passes))
                torch.testing.assert_close(getattr(mixed, name)[row], expected)
        torch.testing.assert_close(mixed.loss, cross_entropy(mixed.output, Y, reduction="none"))
        assert mixed.decisions == (*passes[0].decisions, *passes[1].decisions)
        assert mixed.samples == 1

    def test_weights_receive_a_gradient(self, batch, passes):
        weights = torch.full((2, ROWS), 0.5, dtype=torch.float64, requires_grad=True)
        batch.mix(passes, weights).mean_loss().backward()
        assert weights.grad is not None
        assert (weights.grad != 0).all()

    def test_the_passes_of_an_example_are_those_up_to_its_last_weight(self, network, batch, passes):
        weights = torch.tensor([[1.0, 0.25, 0.0, 0.0], [0.0, 0.75, 1.0, 0.0]], dtype=torch.float64)
        assert batch.passes(batch.mix(passes, weights)).tolist() == [1, 2, 2, 0]
        assert batch.passes(passes[1]).tolist() == [2] * ROWS
        single = batch_of(network, normal(ROWS, FEATURES))
        gates = [torch.cat([layer, layer]) for layer in random_gates(network, ROWS)]
        assert single.passes(single(fixed(gates), samples=2)).tolist() == [2] * ROWS
        with pytest.raises(ProtocolError, match="not made by this batch"):
            batch.passes(single(fixed(random_gates(network, ROWS))))

    @pytest.mark.parametrize("shape", [(1, ROWS), (2, 1), (2,), (ROWS, 2), (2, ROWS, 1)])
    def test_weights_of_another_shape_break_the_protocol(self, batch, passes, shape):
        with pytest.raises(ProtocolError, match=r"expected \[2, 4\]"):
            batch.mix(passes, torch.ones(shape, dtype=torch.float64))

    def test_no_passes_break_the_protocol(self, batch):
        with pytest.raises(ProtocolError, match="halting weights"):
            batch.mix([], torch.ones(0, 0))

    @pytest.mark.parametrize("order", [(1, 0), (0, 0)])
    def test_another_order_than_they_were_run_in_breaks_the_protocol(self, batch, passes, order):
        with pytest.raises(ProtocolError, match="another order"):
            batch.mix([passes[position] for position in order], torch.full((2, ROWS), 0.5, dtype=torch.float64))

    def test_a_pass_of_another_batch_breaks_the_protocol(self, network, batch, passes):
        other = batch_of(network, normal(ROWS, FEATURES), Y)(fixed(random_gates(network, ROWS)))
        with pytest.raises(ProtocolError, match="not made by this batch"):
            batch.mix([other], torch.ones(1, ROWS, dtype=torch.float64))

    def test_a_later_pass_can_carry_on_from_a_mix(self):
        network = network_of("3x2", recurrent=True)
        batch = batch_of(network, normal(ROWS, FEATURES), Y)
        gates = [random_gates(network, ROWS, seed=seed) for seed in range(3)]
        passes = [batch(fixed(each)) for each in gates[:2]]
        mixed = batch.mix(passes, torch.full((2, ROWS), 0.5, dtype=torch.float64))
        done = batch(fixed(gates[2]), carry=mixed)
        torch.testing.assert_close(done.inputs[0][:, FEATURES:], (passes[0].hidden + passes[1].hidden) / 2)
        open_in_either = (gates[0][0] + gates[1][0] != 0).sum(dim=1) * 2
        open_now = gates[2][0].sum(dim=1) * 2
        assert torch.equal(done.macs, (FEATURES + open_in_either) * open_now + open_now * 3)
