"""Stochastic gates: a mean plus Gaussian noise, clamped."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from core.architecture import Architecture
from core.parts import penalties
from core.parts.gates import normal_like
from core.parts.penalised import ENTROPY, ENTROPY_FLOOR, SPACE, PenalisedStrategy
from core.parts.thresholds import TEST_GATES, Thresholds
from core.space import Domain, Real
from core.strategy import Batch, Decision, Family, Pass, Site


class GaussianGates(PenalisedStrategy):
    """Gates are a mean plus Gaussian noise, clamped to 0..1: a little noise and a true gradient in between.

    ``g = clamp(mu + sigma e, 0, 1)``, ``e ~ N(0, 1)`` in training and 0 at test time; a block is open with probability
    ``Phi(mu / sigma)``, which is what the penalties keep to the budget.

    ``mu`` is ``sigma`` times the logit, so that ``sigma`` sets the gates' scale as well as their noise; ``noise``
    changes the noise alone, and at 0 training has none. ``entropy`` is the reward for undecided gates, by ``P(open)``,
    per nat and block; below 0 it is a price on them. ``entropy_floor`` pays as much as it takes to keep so much of it.

    ``test_gates`` ``published`` opens where the mean is above 0; ``calibrated`` the highest means, as many of each
    layer's as the budget allows on validation.
    """

    source: ClassVar[str] = "Yamada et al. 2020, arXiv 1810.04247"
    family: ClassVar[Family] = "relaxation"
    space: ClassVar[Mapping[str, Domain]] = {
        **SPACE,
        "sigma": Real(0.5, low=0.05, high=2.0, log=True, search=(0.1, 1.0)),
        "entropy": ENTROPY,
        "entropy_floor": ENTROPY_FLOOR,
        "noise": Real(1.0, low=0.0, high=10.0, searched=False),
        "test_gates": TEST_GATES,
    }

    def __init__(self, architecture: Architecture, settings: Mapping[str, Any], generator: torch.Generator) -> None:
        super().__init__(architecture, settings, generator)
        calibrated = self.settings["test_gates"] == "calibrated"
        self.thresholds = Thresholds(len(architecture.layers), 0.0) if calibrated else None

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        deviation = self.settings["sigma"] * self.settings["noise"]

        def decide(site: Site) -> Decision:
            mean = self._mean(site)
            noise = normal_like(mean, batch.generator)
            return Decision((mean + deviation * noise).clamp(0, 1), self._probability(site))

        done = batch(decide)
        total = done.mean_loss() + self.price(batch, done.decisions)
        return self.with_entropy(total, penalties.entropy(done.decisions)), done

    def infer(self, batch: Batch) -> Pass:
        def decide(site: Site) -> Decision:
            mean = self._mean(site)
            gates = mean.clamp(0, 1)
            if self.thresholds is not None:
                gates = self.thresholds.opened(site, mean, gates)
            return Decision(gates, self._probability(site))

        return batch(decide)

    def _mean(self, site: Site) -> Tensor:
        sigma: float = self.settings["sigma"]
        return sigma * self.scores(site)

    def _probability(self, site: Site) -> Tensor:
        return 0.5 * (1 + torch.erf(self.scores(site) / math.sqrt(2)))
