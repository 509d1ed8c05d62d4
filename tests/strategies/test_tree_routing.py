"""Tree routing: exactly one path, and a price of choosing that grows with depth."""

import pytest
import torch

import strategies
from core.training.batch import CountedBatch
from strategies.tree_routing import depth, leaf_log_probabilities, spread, walk
from tests.support.networks import FEATURES, network_of, normal

ROWS = 20


def inferred(blocks: int, density: float):
    network = network_of(f"{blocks}x2")
    batch = CountedBatch(network, normal(ROWS, FEATURES), None, torch.Generator(), density=density)
    strategy = strategies.find("tree_routing")(network.architecture, {}, torch.Generator())
    with torch.no_grad():
        return network, strategy.infer(batch)


@pytest.mark.parametrize(
    ("blocks", "density", "levels"), [(16, 1 / 8, 3), (16, 1 / 16, 4), (16, 1.0, 0), (64, 1 / 16, 4), (12, 1 / 4, 2)]
)
def test_one_leaf_is_open_and_only_its_path_is_charged(blocks, density, levels):
    _, done = inferred(blocks, density)
    open_blocks = round(density * blocks)
    assert done.decisions[0].gates.sum(dim=1).tolist() == [open_blocks] * ROWS
    assert done.macs.tolist() == [FEATURES * (2 * open_blocks + levels) + 2 * open_blocks * 3] * ROWS


def test_the_leaf_is_the_one_that_the_nodes_point_to():
    network, done = inferred(8, 1 / 8)
    scores = network.gaters[0](normal(ROWS, FEATURES))
    for row, gates in zip(scores, done.decisions[0].gates, strict=True):
        node = 0
        for _ in range(3):
            node = 2 * node + (2 if row[node] > 0 else 1)
        assert gates.nonzero().flatten().tolist() == [node - 7]


def test_leaf_probabilities_are_a_distribution_whose_walk_is_its_mode_when_nodes_are_sure():
    logits = 20 * normal(ROWS, 8, seed=1)
    probability = leaf_log_probabilities(logits, 3).exp()
    torch.testing.assert_close(probability.sum(dim=1), torch.ones(ROWS, dtype=torch.float64))
    sure = (logits[:, :7].abs() > 5).all(dim=1)
    reached = walk(lambda node: logits.gather(1, node), logits, 3)[:, 0]
    assert bool(sure.any())
    assert torch.equal(probability.argmax(dim=1)[sure], reached[sure])


@pytest.mark.parametrize(("blocks", "leaves"), [(16, 8), (12, 8), (10, 8), (5, 4)])
def test_every_block_belongs_to_one_leaf_of_almost_equal_size(blocks, leaves):
    gates = spread(torch.eye(leaves), blocks)
    assert gates.sum(dim=0).tolist() == [1] * blocks
    assert set(gates.sum(dim=1).tolist()) <= {blocks // leaves, -(-blocks // leaves)}


def test_depth_grows_with_the_logarithm_of_the_width():
    assert [depth(blocks, 1 / blocks) for blocks in (2, 4, 16, 256)] == [1, 2, 4, 8]
