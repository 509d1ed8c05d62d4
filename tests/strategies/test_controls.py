import pytest
import torch

from core.architecture import Architecture
from core.network.cost import dense_macs, gated_macs
from core.training.batch import CountedBatch
from strategies.dense import Dense
from strategies.frozen_gater import FrozenGater
from strategies.random_blocks import RandomBlocks
from strategies.random_exactly_k import RandomExactlyK
from strategies.small_dense import SmallDense
from tests.support.networks import FEATURES, batch_of, fixed, network_of, normal, seeded

ROWS = 3000
X, Y = normal(ROWS, FEATURES), torch.arange(ROWS) % 3


@pytest.mark.parametrize("strategy_type", [Dense, SmallDense])
def test_dense_controls_open_every_block_and_ask_no_gater(strategy_type):
    network = network_of("3x2,2x2")
    strategy = strategy_type(network.architecture, {}, seeded())
    objective, logged = strategy.objective(batch_of(network, X, Y))
    inferred = strategy.infer(batch_of(network, X))
    for done in (logged, inferred):
        assert all((layer == 1).all() for layer in done.executed)
        assert (done.macs == dense_macs(network.architecture)).all()
        assert all(decision.probability is None for decision in done.decisions)
    assert objective == logged.mean_loss()
    expected = network(X, fixed([torch.ones(ROWS, 3).double(), torch.ones(ROWS, 2).double()]))
    assert torch.equal(inferred.output, expected.output)


def test_small_dense_is_as_wide_as_gating_at_that_density_pays_for():
    architecture = Architecture.parse("16x16", 784, 10)
    small = SmallDense.reshape(architecture, 1 / 8)
    assert small.network == "1x48"
    # One more unit would cost 784 + 10.
    assert abs(dense_macs(small) - gated_macs(architecture, 1 / 8)) <= (784 + 10) / 2


@pytest.mark.parametrize("strategy_type", [Dense, RandomBlocks])
def test_the_others_keep_the_network(strategy_type):
    architecture = Architecture.parse("16x16", 784, 10)
    assert strategy_type.reshape(architecture, 1 / 8) == architecture


@pytest.mark.parametrize("density", [0.125, 0.5])
@pytest.mark.parametrize("labelled", [True, False])
def test_random_blocks_are_open_with_probability_tau_whatever_the_input(density, labelled):
    network = network_of("3x2,2x2")
    strategy = RandomBlocks(network.architecture, {}, seeded())
    batch = CountedBatch(network, X, Y if labelled else None, seeded(), density=density)
    done = strategy.objective(batch)[1] if labelled else strategy.infer(batch)
    for decision in done.decisions:
        assert decision.probability is not None
        assert (decision.probability == density).all()
        assert set(decision.gates.unique().tolist()) == {0.0, 1.0}
        error = 5 * (density * (1 - density) / ROWS) ** 0.5
        assert decision.gates.mean(dim=0).tolist() == pytest.approx([density] * decision.gates.shape[1], abs=error)
    assert done.macs.mean().item() == pytest.approx(
        FEATURES * 6 * density + 6 * density * 4 * density + 4 * density * 3, rel=0.1
    )


def test_random_blocks_draw_from_the_batchs_generator():
    network = network_of("3x2")
    strategy = RandomBlocks(network.architecture, {}, seeded())
    first, again, other = (strategy.infer(batch_of(network, X, seed=seed)).decisions[0].gates for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_random_exactly_k_opens_its_number_of_any_blocks_whatever_the_input():
    network = network_of("4x2,2x2")
    strategy = RandomExactlyK(network.architecture, {}, seeded())
    first, other = (strategy.infer(batch_of(network, X, seed=seed)) for seed in (1, 2))
    for decision, blocks in zip(first.decisions, (4, 2), strict=True):
        assert (decision.gates.sum(dim=1) == blocks / 2).all()
        assert decision.gates.mean(dim=0).tolist() == pytest.approx([0.5] * blocks, abs=5 * 0.5 / ROWS**0.5)
    assert not torch.equal(first.decisions[0].gates, other.decisions[0].gates)
    # No gater is asked: two of four open blocks of 2, one of two behind them, and the read-out.
    assert (first.macs == FEATURES * 4 + 4 * 2 + 2 * 3).all()


def test_a_frozen_gater_opens_what_it_scores_highest_and_learns_nothing():
    network = network_of("4x2,2x2")
    strategy = FrozenGater(network.architecture, {}, seeded())
    objective, done = strategy.objective(batch_of(network, X, Y))
    objective.backward()
    scores = network.gaters[0](X)
    for row, gates in zip(scores[:50], done.decisions[0].gates[:50], strict=True):
        assert gates.nonzero().flatten().tolist() == sorted(row.topk(2).indices.tolist())
    assert all(parameter.grad is None for parameter in network.gaters.parameters())
    assert all(parameter.grad is not None for parameter in network.layers.parameters())
    assert (done.macs == FEATURES * (4 + 4) + 4 * (2 + 2) + 2 * 3).all()
