"""Tree routing: a learned binary tree over groups of blocks."""

from collections.abc import Callable, Mapping
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from core.parts.anneal import linear
from core.parts.gates import logistic_like, straight_through
from core.parts.penalties import load_imbalance
from core.space import Domain, Real
from core.strategy import Batch, Decision, Family, Pass, Site, Strategy


class TreeRouting(Strategy):
    """Walk down a binary tree whose leaves are groups of blocks, and open the leaf that is reached.

    Inner node i is logit i of the gater, with children 2 i + 1 (left, logit < 0) and 2 i + 2. A leaf's probability is
    the product of its path's sigmoids. Training computes all nodes, walks with logistic noise annealed to 0, and sends
    the opened leaf the gradient of its probability; at test time only the nodes on the path are computed and charged,
    so that choosing costs the logarithm of the number of leaves.
    """

    source: ClassVar[str] = "Belcak and Wattenhofer 2023, arXiv 2308.14711; retrospective, R1"
    family: ClassVar[Family] = "routing"
    scores_blocks: ClassVar[bool] = False
    space: ClassVar[Mapping[str, Domain]] = {
        "noise": Real(1.0, low=1e-2, high=10.0, log=True, or_zero=True, search=(0.1, 5.0)),
        "balance": Real(1.0, low=1e-3, high=10.0, log=True, or_zero=True, search=(0.1, 10.0)),
    }

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        noise = linear(self.settings["noise"], 0.0, batch.progress)
        imbalance: list[Tensor] = []

        def decide(site: Site) -> Decision:
            levels = depth(site.blocks, batch.density)
            noisy = site.scores + noise * logistic_like(site.scores, batch.generator)
            log_probability = leaf_log_probabilities(site.scores, levels)
            leaf = walk(lambda node: noisy.gather(1, node), site.hidden, levels)
            chosen = torch.zeros_like(log_probability).scatter_(1, leaf, 1.0)
            imbalance.append(load_imbalance(log_probability, chosen))
            leaf_gates = straight_through(chosen, chosen * log_probability.exp())
            return Decision(spread(leaf_gates, site.blocks))

        done = batch(decide)
        return done.mean_loss() + self.settings["balance"] * torch.stack(imbalance).sum(), done

    def infer(self, batch: Batch) -> Pass:
        def decide(site: Site) -> Decision:
            levels = depth(site.blocks, batch.density)
            leaf = walk(site.scores_at, site.hidden, levels)
            chosen = site.hidden.new_zeros(len(leaf), 2**levels).scatter_(1, leaf, 1.0)
            return Decision(spread(chosen, site.blocks))

        return batch(decide)


def depth(blocks: int, density: float) -> int:
    """Return the levels of the tree: as few as give leaves of at most ``density * blocks`` blocks, if it can be.

    >>> depth(16, 1 / 8), depth(16, 1 / 16), depth(10, 1 / 10)
    (3, 4, 3)
    """
    levels = 0
    while 2 ** (levels + 1) <= blocks and 2**levels * density < 1 - 1e-9:
        levels += 1
    return levels


def walk(logit_at: Callable[[Tensor], Tensor], hidden: Tensor, levels: int) -> Tensor:
    """Return the leaf ``[B, 1]`` that each example reaches, asking for one node's logit per level."""
    node: Tensor = torch.zeros(hidden.shape[0], 1, dtype=torch.long, device=hidden.device)
    for _ in range(levels):
        node = 2 * node + 1 + (logit_at(node) > 0).long()
    return node - ((1 << levels) - 1)


def leaf_log_probabilities(logits: Tensor, levels: int) -> Tensor:
    """Return ``[B, leaves]``: the log probability of each leaf, the sum over its path of the log sigmoids."""
    total: Tensor = logits.new_zeros(logits.shape[0], 1)
    for level in range(levels):
        nodes = logits[:, 2**level - 1 : 2 ** (level + 1) - 1]
        left_and_right: Tensor = torch.stack([logsigmoid(-nodes), logsigmoid(nodes)], dim=2)
        total = (total[:, :, None] + left_and_right).flatten(1)
    return total


def spread(leaves: Tensor, blocks: int) -> Tensor:
    """Return gates ``[B, blocks]`` from leaf gates ``[B, leaves]``; block j is of leaf ``j * leaves // blocks``."""
    return leaves[:, torch.arange(blocks, device=leaves.device) * leaves.shape[1] // blocks]
