"""PonderNet: halting as a probability per pass, regularised towards a geometric prior."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from core.architecture import Architecture
from core.parts.anneal import linear
from core.parts.halting import BALANCE, PASSES, halting_passes, halting_unit, stopping_distribution
from core.parts.routing import SPACE, noisy_best_blocks
from core.space import Choice, Domain, Real
from core.strategy import Batch, Family, Pass, SinglePass, Strategy


class PonderHalting(Strategy):
    """Learn the probability of stopping at each pass, from the expected loss over when to stop.

    ``L = sum_t p_t loss_t + beta KL(p | geometric(prior))``. At test time an example stops where a draw says so
    (``sampled``) or where stopping has become more likely than not (``median``), and the answer is that pass's.
    """

    source: ClassVar[str] = "Banino et al. 2021, arXiv 2107.05407"
    family: ClassVar[Family] = "halting"
    needs = frozenset({"passes"})
    space: ClassVar[Mapping[str, Domain]] = {
        **PASSES,
        "prior": Real(0.5, low=0.05, high=0.95, search=(0.2, 0.8)),
        "beta": Real(0.01, low=1e-4, high=10.0, log=True, or_zero=True, search=(0.001, 0.1)),
        **SPACE,
        "balance": BALANCE,
        "test_halting": Choice("median", ("median", "sampled")),
    }

    def __init__(self, architecture: Architecture, settings: Mapping[str, Any], generator: torch.Generator) -> None:
        super().__init__(architecture, settings, generator)
        self.halting = halting_unit(architecture, generator)

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        imbalance: list[Tensor] = []
        passes, stop = self._passes(batch, linear(self.settings["noise"], 0.0, batch.progress), imbalance)
        prior = stopping_distribution([torch.full_like(stop[0], self.settings["prior"])] * len(passes))
        divergence = (stop * (stop.clamp_min(1e-12) / prior).log()).sum(dim=0).mean()
        expected = sum(
            ((weight * done.loss).mean() for weight, done in zip(stop, passes, strict=True) if done.loss is not None),
            start=torch.zeros_like(divergence),
        )
        objective = expected + self.settings["beta"] * divergence
        objective = objective + self.settings["balance"] * torch.stack(imbalance).mean()
        return objective, batch.mix(passes, stop)

    def infer(self, batch: Batch) -> Pass:
        passes, stop = self._passes(batch, 0.0, [])
        reached = stop.cumsum(dim=0)
        if self.settings["test_halting"] == "median":
            threshold = torch.full_like(stop[0], 0.5)
        else:
            threshold = torch.rand(stop[0].shape, generator=batch.generator, dtype=stop.dtype, device=stop.device)
        # Rounding may leave the last sum a little below a threshold near 1.
        reached[-1] = 2.0
        last = (reached >= threshold).to(stop.dtype).argmax(dim=0)
        return batch.mix(passes, nn.functional.one_hot(last, len(passes)).T.to(stop.dtype))

    def _passes(self, batch: Batch, noise: float, imbalance: list[Tensor]) -> tuple[list[SinglePass], Tensor]:
        decide = noisy_best_blocks(batch, batch.density / self.settings["expected_passes"], noise, imbalance)
        passes, halting = halting_passes(batch, decide, self.halting, self.settings["most_passes"])
        return passes, stopping_distribution(halting)
