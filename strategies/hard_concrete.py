"""Hard concrete gates: a stretched and clamped binary concrete."""

import math
from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from core.parts.gates import logistic_like
from core.parts.penalised import SPACE, PenalisedStrategy
from core.space import Domain, Real
from core.strategy import Batch, Decision, Family, Pass, Site

# The stretch of the paper (Louizos et al. 2018, section 4.1).
LOW, HIGH = -0.1, 1.1


class HardConcrete(PenalisedStrategy):
    """Stretch a binary concrete sample beyond 0 and 1 and clamp it: exact zeros with a gradient in between.

    ``s = sigmoid((logit + logit(u)) / beta)``, ``g = clamp(s (HIGH - LOW) + LOW, 0, 1)``. A block is open with
    probability ``sigmoid(logit - beta log(-LOW / HIGH))``. At test time there is no noise: ``s = sigmoid(logit)``.
    """

    source: ClassVar[str] = "Louizos, Welling and Kingma 2018, arXiv 1712.01312"
    family: ClassVar[Family] = "relaxation"
    space: ClassVar[Mapping[str, Domain]] = {
        **SPACE,
        "beta": Real(2 / 3, low=0.1, high=2.0, log=True, search=(0.3, 1.5)),
    }

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        def decide(site: Site) -> Decision:
            logits = self.scores(site)
            sample = ((logits + logistic_like(logits, batch.generator)) / self.settings["beta"]).sigmoid()
            return Decision(_stretched(sample), self._probability(site))

        done = batch(decide)
        return done.mean_loss() + self.price(batch, done.decisions), done

    def infer(self, batch: Batch) -> Pass:
        def decide(site: Site) -> Decision:
            return Decision(_stretched(self.scores(site).sigmoid()), self._probability(site))

        return batch(decide)

    def _probability(self, site: Site) -> Tensor:
        beta: float = self.settings["beta"]
        return (self.scores(site) - beta * math.log(-LOW / HIGH)).sigmoid()


def _stretched(sample: Tensor) -> Tensor:
    return (sample * (HIGH - LOW) + LOW).clamp(0, 1)
