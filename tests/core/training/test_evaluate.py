"""Measures of a network whose logits can be worked out by hand: ``relu(x)`` where a gate is open, 0 where not."""

import math
from typing import Any, ClassVar

import pytest
import torch
from torch import Tensor

from core.architecture import Architecture
from core.data import Split
from core.network.blocks import BlockLinear
from core.network.fully_connected import FullyConnectedNetwork
from core.strategy import Batch, Decision, Family, Pass, ProtocolError, Site, Strategy
from core.training.evaluate import Evaluation, evaluate
from tests.support.networks import seeded

# Blocks whose feature is above 1 are open: one, the other, none, both, one.
X = torch.tensor([[2.0, 0.0], [0.0, 3.0], [0.5, 0.5], [2.0, 3.0], [4.0, 0.5]])
LOGITS = [(2, 0), (0, 3), (0, 0), (2, 3), (4, 0)]
Y = torch.tensor([0, 0, 1, 1, 0])
PROBABILITY = torch.tensor([0.25, 0.5])


def identity_network(layers: str = "2x1", classes: int = 2, *, recurrent: bool = False) -> FullyConnectedNetwork:
    """Passes its features on through every layer; further units and classes stay at 0."""
    network = FullyConnectedNetwork(Architecture.parse(layers, 2, classes), recurrent=recurrent)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.zero_()
        for part in network.modules():
            if isinstance(part, BlockLinear) and part is not network.recurrence:
                *_, in_size, out_size = part.weight.shape
                for unit in range(2):
                    part.weight[unit // out_size, unit // in_size, unit % in_size, unit % out_size] = 1.0
    return network


class HandMade(Strategy):
    """Opens blocks whose feature is above 1."""

    source: ClassVar[str] = "test"
    family: ClassVar[Family] = "control"
    probability: ClassVar[Tensor | None] = PROBABILITY
    asks_gater: ClassVar[bool] = False

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        raise AssertionError("evaluation must not train")

    def infer(self, batch: Batch) -> Pass:
        return batch(self.decide)

    def decide(self, site: Site) -> Decision:
        if self.asks_gater:
            assert site.scores.shape == (len(site.hidden), site.blocks)
        gates = (site.hidden > 1).float()
        return Decision(gates, None if self.probability is None else self.probability.expand_as(gates))


class WithoutProbability(HandMade):
    probability = None


class AskingTheGater(HandMade):
    asks_gater = True


def measured(
    strategy_type: type[HandMade] = HandMade,
    network: FullyConnectedNetwork | None = None,
    split: Split | None = None,
    **options: Any,
) -> Evaluation:
    network = network or identity_network()
    strategy = strategy_type(network.architecture, {}, seeded())
    found = evaluate(network, strategy, split or Split(X, Y), seeded(), density=0.5, **options)
    assert found is not None
    return found


def log_sum_exp(logits: tuple[int, ...]) -> float:
    return math.log(sum(math.exp(logit) for logit in logits))


def entropy(p: float) -> float:
    return -p * math.log(p) - (1 - p) * math.log(1 - p)


def test_error_and_loss():
    found = measured()
    assert found.error == pytest.approx(2 / 5)
    # Of equal logits the first is the largest.
    assert found.errors == [0.0, 1.0, 1.0, 0.0, 0.0]
    losses = [log_sum_exp(logits) - logits[label] for logits, label in zip(LOGITS, Y.tolist(), strict=True)]
    assert found.loss == pytest.approx(sum(losses) / 5)


def test_density_closed_examples_and_dead_blocks():
    found = measured()
    assert found.density == pytest.approx(5 / 10)
    assert found.all_closed == pytest.approx(1 / 5)
    assert found.dead_blocks == 0
    some = measured(split=Split(X[:1], Y[:1]))
    assert (some.density, some.all_closed, some.dead_blocks) == (0.5, 0.0, 1)


def test_gates_by_class_are_shares_of_the_classs_examples():
    found = measured()
    assert [[*map(pytest.approx, row)] for row in [[2 / 3, 1 / 3], [1 / 2, 1 / 2]]] == found.gates_by_class[0]


def test_macs_are_those_of_open_blocks_and_of_the_gater_if_it_was_asked():
    assert measured().macs == pytest.approx((2 * 5 + 5 * 2) / 5)
    assert measured(AskingTheGater).macs == pytest.approx(4 + 2 * 2)


def test_gate_entropy_is_of_the_strategys_own_probabilities():
    assert measured().gate_entropy == pytest.approx((entropy(0.25) + entropy(0.5)) / 2)
    assert measured(WithoutProbability).gate_entropy is None


def test_probabilities_of_0_and_1_have_no_entropy():
    class Certain(HandMade):
        probability = torch.tensor([0.0, 1.0])

    assert measured(Certain).gate_entropy == 0


def test_layers_are_measured_together():
    class ClosesTheSecondLayerOfSome(HandMade):
        """Both blocks of the first layer; of the second, block 0 for examples that read more than 1 from it."""

        def decide(self, site: Site) -> Decision:
            if site.index == 0:
                return Decision(torch.ones_like(site.hidden), torch.full_like(site.hidden, 0.5))
            gates = torch.cat([(site.hidden[:, :1] > 1).float(), torch.zeros(len(site.hidden), 3)], dim=1)
            return Decision(gates, torch.full_like(gates, 0.25))

    found = measured(ClosesTheSecondLayerOfSome, identity_network("2x1,4x1"))
    assert found.density == pytest.approx((5 * 2 + 3) / (5 * 6))
    assert found.all_closed == pytest.approx(2 / 5)
    assert found.dead_blocks == 3
    assert found.gate_entropy == pytest.approx((2 * entropy(0.5) + 4 * entropy(0.25)) / 6)
    assert found.macs == pytest.approx((5 * 2 * 2 + 3 * 2 + 3 * 2) / 5)
    assert [len(by_class[0]) for by_class in found.gates_by_class] == [2, 4]


def test_every_pass_counts():
    class RunsTwice(HandMade):
        def infer(self, batch: Batch) -> Pass:
            batch(lambda site: Decision(torch.ones_like(site.hidden)))
            return batch(self.decide)

    found = measured(RunsTwice)
    assert found.error == pytest.approx(2 / 5)
    assert found.density == pytest.approx((10 + 5) / 10)
    assert found.macs == pytest.approx(4 + 8)
    assert found.all_closed == 0


def test_halted_passes_do_not_count():
    class Halts(HandMade):
        """The second of two equal passes has a weight for the first block's friends only."""

        def infer(self, batch: Batch) -> Pass:
            passes = [batch(self.decide), batch(self.decide)]
            second = (passes[0].decisions[0].gates[:, 0] == 1).float() / 2
            return batch.mix(passes, torch.stack([1 - second, second]))

    found = measured(Halts)
    assert found.error == pytest.approx(2 / 5)
    assert found.macs == pytest.approx(4 * (5 + 4) / 5)
    assert found.density == pytest.approx((5 + 4) / 10)


def test_the_fallback_opens_the_most_likely_block_of_closed_examples():
    found = measured(fallback=True)
    assert found.error == pytest.approx(1 / 5)
    assert found.density == pytest.approx(6 / 10)
    assert found.all_closed == 0


def test_there_is_no_fallback_without_a_probability():
    network = identity_network()
    strategy = WithoutProbability(network.architecture, {}, seeded())
    assert evaluate(network, strategy, Split(X, Y), seeded(), density=0.5, fallback=True) is None


@pytest.mark.parametrize("batch", [1, 2, 3, 5, 500])
def test_batches_do_not_matter_even_where_they_do_not_divide_the_split(monkeypatch, batch):
    expected = measured(AskingTheGater)
    monkeypatch.setattr("core.training.evaluate.BATCH", batch)
    found = measured(AskingTheGater)
    assert found.loss == pytest.approx(expected.loss)
    assert (found.error, found.density, found.all_closed) == (expected.error, expected.density, expected.all_closed)
    assert (found.macs, found.gates_by_class) == (expected.macs, expected.gates_by_class)
    assert found.gate_entropy == pytest.approx(expected.gate_entropy)


def test_a_strategy_infers_in_evaluation_mode_without_labels_or_gradients_and_knows_the_density():
    seen = []

    class Looks(HandMade):
        def infer(self, batch: Batch) -> Pass:
            done = super().infer(batch)
            seen.append((self.training, torch.is_grad_enabled(), done.loss, batch.density, batch.progress))
            return done

    measured(Looks)
    assert seen == [(False, False, None, 0.5, 1.0)]


def test_gate_noise_is_that_of_the_generator():
    class Noisy(HandMade):
        def decide(self, site: Site) -> Decision:
            return Decision(torch.bernoulli(torch.full_like(site.hidden, 0.5), generator=self.generator))

        def infer(self, batch: Batch) -> Pass:
            self.generator = batch.generator
            return super().infer(batch)

    network = identity_network()
    strategy = Noisy(network.architecture, {}, seeded())
    split = Split(X.repeat(50, 1), Y.repeat(50))
    first, again, other = (evaluate(network, strategy, split, seeded(seed), density=0.5) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("mixed", [False, True])
def test_other_than_one_prediction_per_example_breaks_the_protocol(mixed):
    class Several(HandMade):
        def infer(self, batch: Batch) -> Pass:
            done = batch(self.decide, samples=2)
            return batch.mix([done], torch.ones(1, 10)) if mixed else done

    with pytest.raises(ProtocolError, match=r"output \[10, 2\], expected \[5, 2\]: one prediction per example"):
        measured(Several)
