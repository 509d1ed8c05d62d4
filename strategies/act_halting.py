"""Adaptive computation time: as many passes as the example needs."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from core.architecture import Architecture
from core.parts.anneal import linear
from core.parts.controller import DualPrice
from core.parts.halting import (
    BALANCE,
    PASSES,
    act_weights,
    affordable,
    halting_passes,
    halting_unit,
    most_affordable,
)
from core.parts.least_one import LeastOneStrategy
from core.parts.routing import SPACE, noisy_best_blocks
from core.space import Domain, Real
from core.strategy import Batch, Family, Pass


class ActHalting(LeastOneStrategy):
    """Run passes until a learned halting unit has had enough, each with its own gates, and weigh their outputs.

    The halting unit reads each pass's hidden state. Weights, remainder and ponder cost are those of
    :func:`core.parts.halting.act_weights`. Every pass opens the best ``tau * n / expected_passes`` blocks, so that an
    example that halts after so many passes is on budget; the unit's bias starts there. The ponder cost is paid at a
    price that starts at ``ponder_price`` and is controlled, at ``price_rate``, until so many passes are run in the
    mean. Where the budget has fewer blocks than ``expected_passes``, as many are expected.
    """

    source: ClassVar[str] = "Graves 2016, arXiv 1603.08983; retrospective, R5"
    family: ClassVar[Family] = "halting"
    needs = frozenset({"passes"})
    space: ClassVar[Mapping[str, Domain]] = {
        **PASSES,
        "ponder_price": Real(0.01, low=1e-3, high=10.0, log=True, or_zero=True, search=(0.003, 0.3)),
        "epsilon": Real(0.01, low=1e-4, high=0.5, log=True, search=(0.001, 0.1)),
        **SPACE,
        "balance": BALANCE,
    }

    def __init__(self, architecture: Architecture, settings: Mapping[str, Any], generator: torch.Generator) -> None:
        super().__init__(architecture, settings, generator)
        # Halfway between the probabilities of which as many, and one more, are needed to have enough.
        start = min(0.995, 1 / max(self.settings["expected_passes"] - 0.5, 1e-9))
        self.halting = halting_unit(architecture, generator, start)
        self.price = DualPrice(self.settings["price_rate"], self.settings["ponder_price"], lowest=-math.inf)

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        imbalance: list[Tensor] = []
        done, ponder, took = self._passes(batch, linear(self.settings["noise"], 0.0, batch.progress), imbalance)
        price = self.price.value * ponder.mean() + self.settings["balance"] * torch.stack(imbalance).mean()
        self.price.update(took.mean(), self._expected(batch))
        return done.mean_loss() + price, done

    def infer(self, batch: Batch) -> Pass:
        return self._passes(batch, 0.0, [])[0]

    def _expected(self, batch: Batch) -> float:
        return affordable(self.settings["expected_passes"], self.architecture, batch.density)

    def _passes(self, batch: Batch, noise: float, imbalance: list[Tensor]) -> tuple[Pass, Tensor, Tensor]:
        """Return the answer, and for each example its ponder cost and how many passes it took."""
        expected, epsilon = self._expected(batch), self.settings["epsilon"]
        passes, halting = halting_passes(
            batch,
            noisy_best_blocks(batch, batch.density / expected, noise, imbalance),
            self.halting,
            most_affordable(self.settings["most_passes"], expected),
            lambda halting: bool((halting.sum(dim=0) >= 1 - epsilon).all()),
        )
        weights, ponder = act_weights(halting, epsilon)
        return batch.mix(passes, weights), ponder, (weights != 0).to(weights.dtype).sum(dim=0)
