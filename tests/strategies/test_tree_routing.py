"""Tree routing: exactly one path, and a price of choosing that grows with depth."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import grad

import strategies
from core.errors import InputError
from core.parts.distributions.tree_leaf import depth, leaf_log_probabilities, spread, walk
from core.strategy import Pass
from core.training.batch import CountedBatch
from tests.support.networks import FEATURES, network_of, normal, seeded

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


Y = torch.arange(ROWS) % 3


def objective_of(network: Any, density: float = 1 / 4, **settings: object) -> tuple[Tensor, Pass]:
    free = {"balance": 0, "hardening": 0}
    strategy = strategies.find("tree_routing")(network.architecture, {**free, **settings}, seeded())
    return strategy.objective(CountedBatch(network, normal(ROWS, FEATURES), Y, seeded(), density=density))


def test_the_mixture_has_every_leaf_by_its_probability():
    network = network_of("4x2")
    _, done = objective_of(network, training="mixture")
    expected = leaf_log_probabilities(network.gaters[0](normal(ROWS, FEATURES)), 2).exp()
    torch.testing.assert_close(done.decisions[0].gates, expected)


def test_hardening_pays_for_the_entropy_of_the_nodes():
    network = network_of("4x2")
    p = network.gaters[0](normal(ROWS, FEATURES))[:, :3].sigmoid()
    entropy = -(p * p.log() + (1 - p) * (1 - p).log()).mean()
    soft, paid = (objective_of(network, training="mixture", hardening=weight)[0] for weight in (0, 2.0))
    torch.testing.assert_close(paid - soft, 2 * entropy)


def test_hardened_gates_are_those_of_a_walk_without_noise_with_the_gradient_of_the_mixture():
    network = network_of("4x2")
    objective, done = objective_of(network, training="hardened")
    walked, _ = objective_of(network, noise=0)
    assert objective.item() == pytest.approx(walked.item())
    bias = network.gaters[0].bias
    assert isinstance(bias, Tensor)
    gates = done.decisions[0].gates
    assert set(gates.detach().round(decimals=9).unique().tolist()) == {0.0, 1.0}
    of_gates = grad(objective, gates, retain_graph=True)[0]
    mixture = leaf_log_probabilities(network.gaters[0](normal(ROWS, FEATURES)), 2).exp()
    expected = grad((of_gates.detach() * mixture).sum(), bias)[0]
    torch.testing.assert_close(grad(objective, bias)[0], expected)


def test_a_walk_sends_the_gradient_of_the_log_probability_of_its_leaf_alone():
    network = network_of("4x2")
    objective, done = objective_of(network)
    gates = done.decisions[0].gates
    of_gates = grad(objective, gates, retain_graph=True)[0]
    log_probability = leaf_log_probabilities(network.gaters[0](normal(ROWS, FEATURES)), 2)
    expected = grad((of_gates.detach() * gates.detach() * log_probability).sum(), network.gaters[0].bias)[0]  # type: ignore[arg-type]
    torch.testing.assert_close(grad(objective, network.gaters[0].bias)[0], expected)  # type: ignore[arg-type]


@pytest.mark.parametrize("training", ["walk", "mixture", "hardened"])
def test_several_trees_open_a_leaf_each_and_ask_for_the_nodes_of_their_own_path(training):
    network = network_of("16x2")
    strategy = strategies.find("tree_routing")(network.architecture, {"trees": 2, "training": training}, seeded())
    batch = CountedBatch(network, normal(ROWS, FEATURES), None, seeded(), density=1 / 8)
    with torch.no_grad():
        done = strategy.infer(batch)
    gates = done.decisions[0].gates
    assert gates[:, :8].sum(dim=1).tolist() == gates[:, 8:].sum(dim=1).tolist() == [1.0] * ROWS
    assert done.macs.tolist() == [FEATURES * (2 * 2 + 2 * 3) + 2 * 2 * 3] * ROWS


def test_trees_that_cannot_share_the_blocks_are_refused():
    with pytest.raises(InputError, match=r"^tree_routing.trees: 3 trees cannot share 16 blocks evenly$"):
        strategies.find("tree_routing")(network_of("16x2").architecture, {"trees": 3}, seeded())


def test_training_starts_with_all_leaves_equally_likely():
    strategy = strategies.find("tree_routing")(network_of("16x2").architecture, {}, seeded())
    assert strategy.initial_bias(1 / 8) == 0
