"""Tree routing: learned binary trees over groups of blocks."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor

from core.architecture import Architecture
from core.errors import InputError
from core.parts.anneal import linear
from core.parts.distributions.tree_leaf import depth, leaf_log_probabilities, spread, too_large_leaves, walk
from core.parts.gates import logistic_like, straight_through
from core.parts.penalties import bernoulli_entropy, load_imbalance
from core.space import Choice, Domain, Integer, Real
from core.strategy import Batch, Decision, Family, Pass, Site, Strategy


class TreeRouting(Strategy):
    """Walk down a binary tree whose leaves are groups of blocks, and open the leaf that is reached.

    Inner node i is logit i of the gater, with children 2 i + 1 (left, logit < 0) and 2 i + 2. A leaf's probability is
    the product of its path's sigmoids. At test time only the nodes on the path are computed and charged, so that
    choosing costs the logarithm of the number of leaves. Training computes all nodes, and has three ways:

    * ``walk``: with logistic noise annealed to 0; the opened leaf's gate has the gradient of its log probability, which
      makes the score function estimator of what it adds to the first order. Closed leaves are not computed.
    * ``mixture``: fast feedforward networks as published: all leaves, each times its probability, and ``hardening``
      times the mean entropy of the nodes, which makes the mixture a walk in the end.
    * ``hardened``: the likeliest turns alone, with the gradient of the mixture.

    With several ``trees`` each has its own part of the blocks, and opens a leaf of it.
    """

    source: ClassVar[str] = "Belcak and Wattenhofer 2023, arXiv 2308.14711; retrospective, R1"
    family: ClassVar[Family] = "routing"
    scores_blocks: ClassVar[bool] = False
    space: ClassVar[Mapping[str, Domain]] = {
        "training": Choice("walk", ("walk", "mixture", "hardened"), searched=False),
        "trees": Integer(1, low=1, high=16, searched=False),
        "noise": Real(
            1.0, low=1e-2, high=10.0, log=True, or_zero=True, search=(0.1, 5.0), when={"training": ("walk",)}
        ),
        "balance": Real(
            1.0,
            low=1e-3,
            high=10.0,
            log=True,
            or_zero=True,
            search=(0.1, 10.0),
            when={"training": ("walk", "hardened")},
        ),
        "hardening": Real(
            3.0, low=1e-2, high=100.0, log=True, or_zero=True, searched=False, when={"training": ("mixture",)}
        ),
    }

    def __init__(self, architecture: Architecture, settings: Mapping[str, Any], generator: torch.Generator) -> None:
        super().__init__(architecture, settings, generator)
        for layer in architecture.layers:
            if layer.blocks % self.settings["trees"]:
                raise InputError(
                    f"{self.name()}.trees: {self.settings['trees']} trees cannot share {layer.blocks} blocks evenly"
                )

    @classmethod
    def impossible(
        cls, architecture: Architecture, settings: Mapping[str, Any], density: float, tolerance: float
    ) -> str | None:
        return too_large_leaves(architecture, density, tolerance, settings["trees"])

    def initial_bias(self, density: float) -> float:
        """All leaves are about equally likely."""
        return 0.0

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        training = self.settings["training"]
        noise = linear(self.settings["noise"], 0.0, batch.progress) if training == "walk" else 0.0
        imbalance: list[Tensor] = []
        undecided: list[Tensor] = []

        def decide(site: Site) -> Decision:
            gates = []
            for scores in self._by_tree(site.scores):
                levels = depth(scores.shape[1], batch.density)
                noisy = scores + noise * logistic_like(scores, batch.generator) if noise else scores
                log_probability = leaf_log_probabilities(scores, levels)
                leaf = _leaf(noisy, levels)
                chosen = torch.zeros_like(log_probability).scatter_(1, leaf, 1.0)
                imbalance.append(load_imbalance(log_probability, chosen))
                undecided.append(bernoulli_entropy(scores[:, : 2**levels - 1].sigmoid()).flatten())
                match training:
                    case "walk":
                        leaf_gates = straight_through(chosen, chosen * log_probability)
                    case "mixture":
                        leaf_gates = log_probability.exp()
                    case _:
                        leaf_gates = straight_through(chosen, log_probability.exp())
                gates.append(spread(leaf_gates, scores.shape[1]))
            return Decision(torch.cat(gates, dim=1), gate_grad="open" if training == "walk" else "exact")

        done = batch(decide)
        if training == "mixture":
            entropies = torch.cat(undecided)
            return done.mean_loss() + self.settings["hardening"] * entropies.sum() / max(1, len(entropies)), done
        return done.mean_loss() + self.settings["balance"] * torch.stack(imbalance).sum(), done

    def infer(self, batch: Batch) -> Pass:
        def decide(site: Site) -> Decision:
            size = site.blocks // self.settings["trees"]
            levels = depth(size, batch.density)
            gates = []
            for first in range(0, site.blocks, size):
                leaf = walk(partial(_scores_of_tree, site, first), site.hidden, levels)
                chosen = site.hidden.new_zeros(leaf.shape[0], 2**levels).scatter_(1, leaf, 1.0)
                gates.append(spread(chosen, size))
            return Decision(torch.cat(gates, dim=1))

        return batch(decide)

    def _by_tree(self, scores: Tensor) -> Sequence[Tensor]:
        return scores.chunk(self.settings["trees"], dim=1)


def _scores_of_tree(site: Site, first: int, node: Tensor) -> Tensor:
    """Return the scores of nodes of the tree whose blocks begin at ``first``."""
    return site.scores_at(first + node)


def _leaf(scores: Tensor, levels: int) -> Tensor:
    """Return the leaf ``[B, 1]`` that positive scores lead to, turning right."""
    return walk(lambda node: scores.gather(1, node), scores, levels)
