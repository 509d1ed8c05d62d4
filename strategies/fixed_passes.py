"""Control: several passes, and no halting."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from core.parts.anneal import linear
from core.parts.halting import affordable
from core.parts.least_one import LeastOneStrategy
from core.parts.routing import SPACE, noisy_best_blocks
from core.space import Domain, Integer
from core.strategy import Batch, Family, Pass


class FixedPasses(LeastOneStrategy):
    """Run the same number of passes for every example, each with its own share of the budget: halting taken away.

    Every pass opens the best ``tau * n / passes`` blocks, sees the hidden state of the pass before, and weighs equally
    in the output. There are never more passes than the budget has blocks: ``passes`` is cut to ``tau * n``, rounded
    down.
    """

    source: ClassVar[str] = "control for act_halting"
    family: ClassVar[Family] = "control"
    needs = frozenset({"passes"})
    space: ClassVar[Mapping[str, Domain]] = {
        "passes": Integer(2, low=1, high=8, search=(1, 4)),
        **SPACE,
    }

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        imbalance: list[Tensor] = []
        done = self._passes(batch, linear(self.settings["noise"], 0.0, batch.progress), imbalance)
        return done.mean_loss() + self.settings["balance"] * torch.stack(imbalance).mean(), done

    def infer(self, batch: Batch) -> Pass:
        return self._passes(batch, 0.0, [])

    def _passes(self, batch: Batch, noise: float, imbalance: list[Tensor]) -> Pass:
        count = int(affordable(self.settings["passes"], self.architecture, batch.density))
        decide = noisy_best_blocks(batch, batch.density / count, noise, imbalance)
        passes: list[Pass] = []
        for _ in range(count):
            passes.append(batch(decide, carry=passes[-1] if passes else None))
        return batch.mix(passes, torch.full_like(passes[0].output[:, 0], 1 / count).expand(count, -1))
