import pytest
import torch

from core.architecture import Architecture
from core.network.cost import dense_macs, gated_macs
from core.training.batch import CountedBatch
from strategies.dense import Dense
from strategies.frozen_gater import FrozenGater
from strategies.hashed_blocks import HashedBlocks, OnlineClusters, dealt_ranks
from strategies.random_blocks import RandomBlocks
from strategies.random_exactly_k import RandomExactlyK
from strategies.random_leaf import RandomLeaf
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


def test_a_random_leaf_is_one_of_the_trees_whatever_the_input():
    network = network_of("8x2,4x2")
    strategy = RandomLeaf(network.architecture, {}, seeded())
    first, other = (strategy.infer(CountedBatch(network, X, None, seeded(seed), density=1 / 4)) for seed in (1, 2))
    for decision, leaves, size in zip(first.decisions, (4, 4), (2, 1), strict=True):
        groups = decision.gates.view(ROWS, leaves, size)
        assert (groups.amax(dim=2) == groups.amin(dim=2)).all()
        assert (groups[:, :, 0].sum(dim=1) == 1).all()
        assert groups[:, :, 0].mean(dim=0).tolist() == pytest.approx([0.25] * 4, abs=5 * (3 / 16 / ROWS) ** 0.5)
    assert not torch.equal(first.decisions[0].gates, other.decisions[0].gates)
    # No gater is asked.
    assert (first.macs == FEATURES * 4 + 4 * 2 + 2 * 3).all()


def test_a_random_leaf_is_refused_where_a_leaf_is_too_large():
    architecture = Architecture.parse("10x4", FEATURES, 3)
    assert "is more than a density of 0.1" in str(RandomLeaf.impossible(architecture, {}, 0.1, 0.2))
    assert RandomLeaf.impossible(architecture, {}, 0.125, 0.2) is None


def hashed(network, clusters: int = 6) -> HashedBlocks:
    """Blocks hashed by clusters that the examples themselves have made."""
    strategy = HashedBlocks(network.architecture, {"clusters": clusters}, seeded()).double()
    for _ in range(3):
        strategy.objective(batch_of(network, X, Y))
    return strategy.eval()


def test_hashed_blocks_are_those_of_the_nearest_centroid_in_every_layer():
    network = network_of("8x2,4x2")
    strategy = hashed(network)
    nearest = torch.cdist(X, strategy.nearest.centroids).argmin(dim=1)
    assert len(nearest.unique()) == 6
    done = strategy.infer(batch_of(network, X))
    for number, (decision, blocks) in enumerate(zip(done.decisions, (8, 4), strict=True)):
        opened = strategy.get_buffer(f"rank_{number}") < blocks / 2
        assert torch.equal(decision.gates, opened[nearest].double())
    # The second layer looks nothing up, and no gater is asked.
    assert (done.macs == FEATURES * 6 + FEATURES * 8 + 8 * 4 + 4 * 3).all()


def test_hashed_blocks_do_not_depend_on_what_the_network_learns():
    network, other = network_of("8x2,4x2"), network_of("8x2,4x2", seed=1)
    strategy = hashed(network)
    ours, theirs = (strategy.infer(batch_of(each, X)) for each in (network, other))
    assert not torch.equal(ours.output, theirs.output)
    assert all(torch.equal(a.gates, b.gates) for a, b in zip(ours.decisions, theirs.decisions, strict=True))


def test_an_example_between_two_numbers_of_blocks_opens_both_of_them_in_the_mean():
    network = network_of("8x2")
    gates = hashed(network).infer(CountedBatch(network, X, None, seeded(), density=0.3)).decisions[0].gates
    assert gates.sum(dim=1).unique().tolist() == [2, 3]
    assert gates.mean().item() == pytest.approx(0.3, abs=0.01)


def test_clusters_are_learned_in_training_alone_and_charged():
    network = network_of("8x2")
    strategy = HashedBlocks(network.architecture, {"clusters": 6}, seeded()).double()
    _, logged = strategy.objective(batch_of(network, X, Y))
    before = strategy.nearest.centroids.clone()
    inferred = strategy.eval().infer(batch_of(network, X))
    assert torch.equal(strategy.nearest.centroids, before)
    assert (inferred.macs == FEATURES * (6 + 8) + 8 * 3).all()
    # Per batch: a centroid's numbers times what was added, over the count, and its square once for each setting.
    learning = logged.macs - inferred.macs
    assert learning.tolist() == pytest.approx([4 * 6 * FEATURES / ROWS] * ROWS, rel=0.1)


def test_centroids_settle_over_several_batches_if_one_is_too_small():
    clusters = OnlineClusters(3, features=1)
    clusters(torch.tensor([[0.0], [10.0]]))
    assert clusters.counts.tolist() == [1, 1, 0]
    clusters(torch.tensor([[20.0], [22.0]]))
    assert clusters.centroids.flatten().tolist() == [0, 10, 21]
    assert clusters.counts.tolist() == [1, 1, 2]


def test_what_has_no_place_yet_is_nearest_to_nothing():
    clusters = OnlineClusters(3, FEATURES).double()
    clusters(X[:2])
    assert set(clusters.eval()(X).argmax(dim=1).tolist()) == {0, 1}


def test_a_centroid_is_the_mean_of_what_was_nearest_to_it_when_it_was_seen():
    clusters = OnlineClusters(4, FEATURES).double()
    assigned: list[list[torch.Tensor]] = [[] for _ in range(4)]
    for rows in X[:200].split(20):
        for row, nearest in zip(rows, clusters(rows).argmax(dim=1).tolist(), strict=True):
            assigned[nearest].append(row)
    for centroid, rows, count in zip(clusters.centroids, assigned, clusters.counts, strict=True):
        assert count == len(rows)
        assert torch.allclose(centroid, torch.stack(rows).mean(dim=0))


def test_online_clusters_find_clouds():
    centres = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]]).double()
    kind = torch.arange(600) % 3
    x = centres[kind] + normal(600, 2)
    clusters = OnlineClusters(3, 2).double()
    for rows in x.split(50):
        clusters(rows)
    assert torch.cdist(centres, clusters.centroids).amin(dim=1).max() < 0.3


@pytest.mark.parametrize(("clusters", "blocks"), [(16, 16), (10, 16), (32, 16), (7, 12), (3, 16), (1, 8)])
def test_blocks_are_dealt_evenly_whatever_share_is_opened(clusters, blocks):
    ranks = dealt_ranks(clusters, blocks, seeded())
    assert torch.equal(ranks.sort(dim=1).values, torch.arange(blocks).expand(clusters, -1))
    for count in range(1, blocks // 2 + 1):
        opened = (ranks < count).sum(dim=0)
        assert int(opened.max() - opened.min()) <= 2


def test_hands_are_dealt_by_the_generator_and_differ_from_cluster_to_cluster():
    first, again, other = (dealt_ranks(16, 16, seeded(seed)) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert len((first < 2).unique(dim=0)) > 8
