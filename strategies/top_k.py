"""Noisy top-k routing, as in mixtures of experts."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from core.parts.anneal import linear
from core.parts.routing import SPACE, best_blocks, noisy_best_blocks
from core.space import Choice, Domain
from core.strategy import Batch, Family, GateRule, Pass, Strategy


class TopK(Strategy):
    """Open the tau * n blocks of the highest noisy scores, and balance the load between blocks.

    ``weighted`` gates are the softmax over the open blocks' scores; ``binary`` ones are 1, with the gradient of that
    softmax. The noise is annealed to 0 and absent at test time.
    """

    source: ClassVar[str] = "Shazeer et al. 2017, arXiv 1701.06538; balance loss of Fedus et al. 2021, arXiv 2101.03961"
    family: ClassVar[Family] = "routing"
    space: ClassVar[Mapping[str, Domain]] = {
        "gates": Choice("binary", ("binary", "weighted")),
        **SPACE,
    }

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        scale = linear(self.settings["noise"], 0.0, batch.progress)
        unevenness: list[Tensor] = []
        done = batch(noisy_best_blocks(batch, batch.density, scale, unevenness, weighted=self._weighted))
        return done.mean_loss() + self.settings["balance"] * torch.stack(unevenness).sum(), done

    def gate_rule(self) -> GateRule | None:
        return None if self._weighted else GateRule("top")

    def infer(self, batch: Batch) -> Pass:
        return batch(best_blocks(batch, weighted=self._weighted))

    @property
    def _weighted(self) -> bool:
        return bool(self.settings["gates"] == "weighted")
