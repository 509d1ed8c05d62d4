"""Noisy top-k routing, as in mixtures of experts."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from core.parts.anneal import linear
from core.parts.gates import budget, normal_like, straight_through, top_blocks
from core.parts.penalties import load_imbalance
from core.space import Choice, Domain, Real
from core.strategy import Batch, Decision, Family, GateRule, Pass, Site, Strategy


class TopK(Strategy):
    """Open the tau * n blocks of the highest noisy scores, and balance the load between blocks.

    ``weighted`` gates are the softmax over the open blocks' scores; ``binary`` ones are 1, with the gradient of that
    softmax. The noise is annealed to 0 and absent at test time.
    """

    source: ClassVar[str] = "Shazeer et al. 2017, arXiv 1701.06538; balance loss of Fedus et al. 2021, arXiv 2101.03961"
    family: ClassVar[Family] = "routing"
    space: ClassVar[Mapping[str, Domain]] = {
        "gates": Choice("binary", ("binary", "weighted")),
        "noise": Real(2.0, low=1e-2, high=10.0, log=True, or_zero=True, search=(0.5, 5.0)),
        "balance": Real(3.0, low=1e-3, high=10.0, log=True, or_zero=True, search=(0.3, 10.0)),
    }

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        scale = linear(self.settings["noise"], 0.0, batch.progress)
        unevenness: list[Tensor] = []

        def decide(site: Site) -> Decision:
            noisy = site.scores + scale * normal_like(site.scores, batch.generator)
            chosen = top_blocks(noisy, budget(site.blocks, batch.density))
            unevenness.append(load_imbalance(site.scores, chosen))
            return Decision(self._gates(noisy, chosen))

        done = batch(decide)
        return done.mean_loss() + self.settings["balance"] * torch.stack(unevenness).sum(), done

    def gate_rule(self) -> GateRule | None:
        return GateRule("top") if self.settings["gates"] == "binary" else None

    def infer(self, batch: Batch) -> Pass:
        def decide(site: Site) -> Decision:
            return Decision(self._gates(site.scores, top_blocks(site.scores, budget(site.blocks, batch.density))))

        return batch(decide)

    def _gates(self, scores: Tensor, chosen: Tensor) -> Tensor:
        weights = chosen * scores.softmax(dim=1)
        if self.settings["gates"] == "weighted":
            return weights
        return straight_through(chosen, weights)
