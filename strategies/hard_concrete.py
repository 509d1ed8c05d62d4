"""Hard concrete gates: a stretched and clamped binary concrete."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from core.architecture import Architecture
from core.parts.gates import logistic_like
from core.parts.penalised import SPACE, PenalisedStrategy
from core.parts.thresholds import TEST_GATES, Thresholds
from core.space import Domain, Real
from core.strategy import Batch, Decision, Family, Pass, Site, logit

# The stretch of the paper (Louizos et al. 2018, section 4.1).
LOW, HIGH = -0.1, 1.1


class HardConcrete(PenalisedStrategy):
    """Stretch a binary concrete sample beyond 0 and 1 and clamp it: exact zeros with a gradient in between.

    ``s = sigmoid((logit + logit(u)) / beta)``, ``g = clamp(s (HIGH - LOW) + LOW, 0, 1)``. A block is open with
    probability ``sigmoid(logit - beta log(-LOW / HIGH))``. At test time there is no noise: ``s = sigmoid(logit)``,
    which opens more blocks than the penalised probability says. ``test_gates`` ``calibrated`` opens those of the
    highest logits, as many of each layer's as the budget allows on validation; ``published`` those whose gate is
    above 0.
    """

    source: ClassVar[str] = "Louizos, Welling and Kingma 2018, arXiv 1712.01312"
    family: ClassVar[Family] = "relaxation"
    space: ClassVar[Mapping[str, Domain]] = {
        **SPACE,
        "beta": Real(2 / 3, low=0.1, high=2.0, log=True, search=(0.3, 1.5)),
        "test_gates": TEST_GATES,
    }

    def __init__(self, architecture: Architecture, settings: Mapping[str, Any], generator: torch.Generator) -> None:
        super().__init__(architecture, settings, generator)
        calibrated = self.settings["test_gates"] == "calibrated"
        # Where a gate leaves 0.
        start = math.log(-LOW / HIGH)
        self.thresholds = Thresholds(len(architecture.layers), start) if calibrated else None

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        def decide(site: Site) -> Decision:
            logits = self.scores(site)
            sample = ((logits + logistic_like(logits, batch.generator)) / self.settings["beta"]).sigmoid()
            return Decision(_stretched(sample), self._probability(site))

        done = batch(decide)
        return done.mean_loss() + self.price(batch, done.decisions), done

    def initial_bias(self, density: float) -> float:
        beta: float = self.settings["beta"]
        return logit(density) + beta * math.log(-LOW / HIGH)

    def infer(self, batch: Batch) -> Pass:
        def decide(site: Site) -> Decision:
            logits = self.scores(site)
            gates = _stretched(logits.sigmoid())
            if self.thresholds is not None:
                gates = self.thresholds.opened(site, logits, gates)
            return Decision(gates, self._probability(site))

        return batch(decide)

    def _probability(self, site: Site) -> Tensor:
        beta: float = self.settings["beta"]
        return (self.scores(site) - beta * math.log(-LOW / HIGH)).sigmoid()


def _stretched(sample: Tensor) -> Tensor:
    return (sample * (HIGH - LOW) + LOW).clamp(0, 1)
