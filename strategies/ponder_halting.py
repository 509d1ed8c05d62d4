"""PonderNet: halting as a probability per pass, regularised towards a geometric prior."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from core.architecture import Architecture
from core.parts.anneal import linear
from core.parts.controller import DualPrice
from core.parts.halting import (
    BALANCE,
    PASSES,
    TEST_HALTING,
    affordable,
    halting_passes,
    halting_unit,
    last_pass,
    most_affordable,
    stopping_distribution,
    stopping_probability,
)
from core.parts.least_one import LeastOneStrategy
from core.parts.routing import SPACE, noisy_best_blocks
from core.space import Domain, Real
from core.strategy import Batch, Family, Pass, SinglePass


class PonderHalting(LeastOneStrategy):
    """Learn the probability of stopping at each pass, from the expected loss over when to stop.

    ``L = sum_t p_t loss_t + beta KL(p | geometric) + price sum_t p_t t``. ``expected_passes`` is the mean of the prior,
    where stopping starts, and what the budget is divided for; the price is controlled, at ``price_rate``, until as many
    passes are run in the mean by the rule of test time. An example stops there where a draw says so (``sampled``, the
    paper's) or where stopping has become more likely than not (``median``), and the answer is that pass's.
    """

    source: ClassVar[str] = "Banino et al. 2021, arXiv 2107.05407"
    family: ClassVar[Family] = "halting"
    needs = frozenset({"passes"})
    space: ClassVar[Mapping[str, Domain]] = {
        **PASSES,
        "beta": Real(0.01, low=1e-4, high=10.0, log=True, or_zero=True, search=(0.001, 0.1)),
        **SPACE,
        "balance": BALANCE,
        "test_halting": TEST_HALTING,
    }

    def __init__(self, architecture: Architecture, settings: Mapping[str, Any], generator: torch.Generator) -> None:
        super().__init__(architecture, settings, generator)
        start = stopping_probability(self.settings["expected_passes"], self.settings["most_passes"])
        self.halting = halting_unit(architecture, generator, start)
        self.price = DualPrice(self.settings["price_rate"], lowest=-math.inf)

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        imbalance: list[Tensor] = []
        passes, stop = self._passes(batch, linear(self.settings["noise"], 0.0, batch.progress), imbalance)
        wanted = self._expected(batch)
        prior = torch.full_like(stop[0], stopping_probability(wanted, len(passes)))
        divergence = (stop * (stop.clamp_min(1e-12) / stopping_distribution([prior] * len(passes))).log()).sum(dim=0)
        losses = torch.stack([done.loss for done in passes if done.loss is not None])
        number = torch.arange(1, len(passes) + 1, dtype=stop.dtype, device=stop.device)[:, None]
        objective = (stop * (losses + self.price.value * number)).sum(dim=0).mean()
        objective = objective + self.settings["beta"] * divergence.mean()
        objective = objective + self.settings["balance"] * torch.stack(imbalance).mean()
        with torch.no_grad():
            self.price.update((self._last(batch, stop) + 1).to(stop.dtype).mean(), wanted)
        return objective, batch.mix(passes, stop)

    def infer(self, batch: Batch) -> Pass:
        passes, stop = self._passes(batch, 0.0, [])
        return batch.mix(passes, nn.functional.one_hot(self._last(batch, stop), len(passes)).T.to(stop.dtype))

    def _expected(self, batch: Batch) -> float:
        return affordable(self.settings["expected_passes"], self.architecture, batch.density)

    def _last(self, batch: Batch, stop: Tensor) -> Tensor:
        """Return ``[B]``, counted from 0, the pass at which an example stops at test time."""
        return last_pass(stop, self.settings["test_halting"], batch.generator)

    def _passes(self, batch: Batch, noise: float, imbalance: list[Tensor]) -> tuple[list[SinglePass], Tensor]:
        expected = self._expected(batch)
        decide = noisy_best_blocks(batch, batch.density / expected, noise, imbalance)
        most = most_affordable(self.settings["most_passes"], expected)
        passes, halting = halting_passes(batch, decide, self.halting, most)
        return passes, stopping_distribution(halting)
