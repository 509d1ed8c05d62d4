"""One leaf of a binary tree over groups of blocks, reached by a decision at each node of its path."""

import math
from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from core.architecture import Architecture
from core.parts.distributions.distribution import Alternatives, Draw, GateDistribution, Relaxed, TestGates
from core.parts.gates import ROUNDING, logistic_like
from core.parts.penalties import load_imbalance
from core.strategy import Site


class TreeLeaf(GateDistribution):
    """Walk down a binary tree, right with the sigmoid of the node's score, and open the group of blocks of one leaf.

    Node i is score i, with children 2 i + 1 (left) and 2 i + 2; a leaf's probability is the product over its path.
    """

    scores_blocks: ClassVar[bool] = False

    @classmethod
    def impossible(cls, architecture: Architecture, density: float, tolerance: float) -> str | None:
        return too_large_leaves(architecture, density, tolerance)

    def initial_bias(self) -> float:
        """All leaves are about equally likely."""
        return 0.0

    def levels(self, scores: Tensor) -> int:
        """Return the levels of the tree over as many blocks as there are scores."""
        return depth(scores.shape[1], self.density)

    def choose(self, scores: Tensor, generator: torch.Generator) -> Tensor:
        return self._reached(scores + logistic_like(scores, generator))

    def logits(self, scores: Tensor, chosen: Tensor) -> Tensor:
        return leaf_log_probabilities(scores, self.levels(scores))[:, None, :]

    def combined(self, choices: Tensor, blocks: int) -> Tensor:
        return spread(choices[:, 0], blocks)

    def likely(self, scores: Tensor, generator: torch.Generator) -> Tensor:
        """The leaf that the likelier turn at every node leads to."""
        return self._reached(scores)

    def relaxed(self, scores: Tensor, generator: torch.Generator, temperature: float) -> Relaxed:
        """Binary concrete turns: every leaf has the product of its path's."""
        noisy = scores + logistic_like(scores, generator)
        soft = leaf_log_probabilities(noisy / temperature, self.levels(scores)).exp()
        return Relaxed(spread(soft, scores.shape[1]), self.combined(self._reached(noisy.detach()), scores.shape[1]))

    def imitation(self, scores: Tensor, gates: Tensor) -> Tensor:
        """Of the leaf that has most of the open blocks."""
        log_probability = self.logits(scores, scores)[:, 0]
        overlap = torch.zeros_like(log_probability).index_add_(1, _leaf_of(scores, log_probability.shape[1]), gates)
        return -log_probability.gather(1, overlap.argmax(dim=1, keepdim=True))[:, 0]

    def entropy(self, scores: Tensor) -> Tensor:
        log_probability = self.logits(scores, scores)[:, 0]
        return -(log_probability.exp() * log_probability).sum(dim=1)

    def most_entropy(self, blocks: int) -> float:
        return depth(blocks, self.density) * math.log(2)

    def imbalance(self, scores: Tensor, gates: Tensor) -> Tensor:
        log_probability = self.logits(scores, scores)[:, 0]
        opened = torch.zeros_like(log_probability).index_add_(1, _leaf_of(scores, log_probability.shape[1]), gates)
        return load_imbalance(log_probability, (opened > 0).to(gates.dtype))

    def support(self, blocks: int) -> Tensor:
        return torch.eye(2 ** depth(blocks, self.density), dtype=torch.long)[:, None, :]

    def alternatives(self, scores: Tensor, draw: Draw) -> Alternatives:
        """Every leaf."""
        log_probability = self.logits(scores, draw.chosen)[:, 0]
        leaves = torch.arange(log_probability.shape[1], device=scores.device)
        each = torch.eye(len(leaves), dtype=scores.dtype, device=scores.device)
        chosen = each[:, None, None, :].expand(-1, len(scores), -1, -1)
        return Alternatives(chosen, log_probability.T[None], leaves[None])

    def test_gates(self, site: Site, generator: torch.Generator, how: TestGates, scale: float = 1.0) -> Tensor:
        """Only the nodes on the path are asked for, so that choosing costs the logarithm of the number of leaves."""
        levels = depth(site.blocks, self.density)

        def logit_at(node: Tensor) -> Tensor:
            logit = scale * site.scores_at(node)
            return logit + logistic_like(logit, generator) if how == "sampled" else logit

        leaf = walk(logit_at, site.hidden, levels)
        return spread(site.hidden.new_zeros(leaf.shape[0], 2**levels).scatter_(1, leaf, 1.0), site.blocks)

    def _reached(self, scores: Tensor) -> Tensor:
        """Return ``[B, 1, leaves]``, one-hot: the leaf that positive scores lead to, turning right."""
        levels = self.levels(scores)
        leaf = walk(lambda node: scores.gather(1, node), scores, levels)
        return scores.new_zeros(leaf.shape[0], 2**levels).scatter_(1, leaf, 1.0)[:, None, :]


def depth(blocks: int, density: float) -> int:
    """Return the levels of the tree: as few as give leaves of at most ``density * blocks`` blocks, if it can be.

    >>> depth(16, 1 / 8), depth(16, 1 / 16), depth(10, 1 / 10)
    (3, 4, 3)
    """
    levels = 0
    while 2 ** (levels + 1) <= blocks and 2**levels * density < 1 - 1e-9:
        levels += 1
    return levels


def too_large_leaves(architecture: Architecture, density: float, tolerance: float, trees: int = 1) -> str | None:
    """Say in which layer the leaves of its trees are, in the mean, more than a density and its tolerance allow.

    Ten blocks make eight leaves at the most:

    >>> too_large_leaves(Architecture.parse("10x4", features=2, classes=2), 1 / 10, tolerance=0.2)
    'layer 1 has 10 blocks, which make 8 leaves, and one of them is more than a density of 0.1'
    """
    for number, layer in enumerate(architecture.layers, start=1):
        leaves = 2 ** depth(layer.blocks // trees, density)
        if 1 / leaves > density * (1 + tolerance) + ROUNDING:
            return (
                f"layer {number} has {layer.blocks} blocks, which make {leaves * trees} leaves, and one of them is "
                f"more than a density of {density:.3g}"
            )
    return None


def walk(logit_at: Callable[[Tensor], Tensor], hidden: Tensor, levels: int) -> Tensor:
    """Return the leaf ``[B, 1]`` that each example reaches, asking for one node's logit per level."""
    node: Tensor = torch.zeros(hidden.shape[0], 1, dtype=torch.long, device=hidden.device)
    for _ in range(levels):
        node = 2 * node + 1 + (logit_at(node) > 0).long()
    return node - ((1 << levels) - 1)


def leaf_log_probabilities(logits: Tensor, levels: int) -> Tensor:
    """Return ``[B, leaves]``: the log probability of each leaf, the sum over its path of the log sigmoids.

    A root that turns right with probability 3/4:

    >>> leaf_log_probabilities(torch.tensor([[3.0]]).log(), 1).exp()
    tensor([[0.2500, 0.7500]])
    """
    total: Tensor = logits.new_zeros(logits.shape[0], 1)
    for level in range(levels):
        nodes = logits[:, 2**level - 1 : 2 ** (level + 1) - 1]
        left_and_right: Tensor = torch.stack([logsigmoid(-nodes), logsigmoid(nodes)], dim=2)
        total = (total[:, :, None] + left_and_right).flatten(1)
    return total


def spread(leaves: Tensor, blocks: int) -> Tensor:
    """Return gates ``[B, blocks]`` from leaf gates ``[B, leaves]``; block j is of leaf ``j * leaves // blocks``."""
    return leaves[:, torch.arange(blocks, device=leaves.device) * leaves.shape[1] // blocks]


def _leaf_of(scores: Tensor, leaves: int) -> Tensor:
    """Return ``[blocks]``: the leaf of each block."""
    return torch.arange(scores.shape[1], device=scores.device) * leaves // scores.shape[1]
