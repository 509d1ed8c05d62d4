"""Adaptive computation time: as many passes as the example needs."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from core.architecture import Architecture
from core.parts.anneal import linear
from core.parts.halting import BALANCE, PASSES, act_weights, halting_passes, halting_unit
from core.parts.routing import SPACE, noisy_best_blocks
from core.space import Domain, Real
from core.strategy import Batch, Family, Pass, Strategy


class ActHalting(Strategy):
    """Run passes until a learned halting unit has had enough, each with its own gates, and weigh their outputs.

    The halting unit reads each pass's hidden state. Weights, remainder and ponder cost are those of
    :func:`core.parts.halting.act_weights`; the ponder cost is paid at ``ponder_price``. Every pass opens the best
    ``tau * n / expected_passes`` blocks, at least one, so that an example that halts after so many passes is on budget.
    """

    source: ClassVar[str] = "Graves 2016, arXiv 1603.08983; retrospective, R5"
    family: ClassVar[Family] = "halting"
    needs = frozenset({"passes"})
    space: ClassVar[Mapping[str, Domain]] = {
        **PASSES,
        "ponder_price": Real(0.1, low=1e-3, high=10.0, log=True, or_zero=True, search=(0.01, 1.0)),
        "epsilon": Real(0.01, low=1e-4, high=0.5, log=True, search=(0.001, 0.1)),
        **SPACE,
        "balance": BALANCE,
    }

    def __init__(self, architecture: Architecture, settings: Mapping[str, Any], generator: torch.Generator) -> None:
        super().__init__(architecture, settings, generator)
        self.halting = halting_unit(architecture, generator)

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        imbalance: list[Tensor] = []
        done, ponder = self._passes(batch, linear(self.settings["noise"], 0.0, batch.progress), imbalance)
        price = self.settings["ponder_price"] * ponder.mean() + self.settings["balance"] * torch.stack(imbalance).mean()
        return done.mean_loss() + price, done

    def infer(self, batch: Batch) -> Pass:
        return self._passes(batch, 0.0, [])[0]

    def _passes(self, batch: Batch, noise: float, imbalance: list[Tensor]) -> tuple[Pass, Tensor]:
        decide = noisy_best_blocks(batch, batch.density / self.settings["expected_passes"], noise, imbalance)
        epsilon = self.settings["epsilon"]
        passes, halting = halting_passes(
            batch,
            decide,
            self.halting,
            self.settings["most_passes"],
            lambda halting: bool((halting.sum(dim=0) >= 1 - epsilon).all()),
        )
        weights, ponder = act_weights(halting, epsilon)
        return batch.mix(passes, weights), ponder
