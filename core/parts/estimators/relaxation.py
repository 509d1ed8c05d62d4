"""Relaxation: gates are a continuous sample, or hard with its gradient."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from torch import Tensor

from core.parts.estimators.estimator import Estimate, Estimator, Policy
from core.parts.gates import straight_through
from core.strategy import Batch, Decision, Site

Mode = Literal["hard", "soft"]


@dataclass(frozen=True)
class Relaxation(Estimator):
    """Biased, the less the lower the temperature: the pathwise gradient of a continuous relaxation of the gates.

    Attributes:
        temperature: of the relaxation; the hard sample does not depend on it.
        mode: ``soft`` gates are the relaxed sample, so that every block is computed; ``hard`` ones the sample that it
            relaxes, with its gradient.
    """

    unbiased: ClassVar[bool] = False
    temperature: float
    mode: Mode

    def estimate(self, batch: Batch, policy: Policy) -> Estimate:
        scores: list[Tensor] = []
        hard: list[Tensor] = []

        def decide(site: Site) -> Decision:
            at = policy.scores(site)
            sample = policy.distribution.relaxed(at, batch.generator, self.temperature)
            probability = policy.distribution.probability(at)
            scores.append(at)
            hard.append(sample.hard)
            if self.mode == "soft":
                return Decision(sample.soft, probability)
            return Decision(straight_through(sample.hard, sample.soft), probability, gate_grad="exact")

        done = batch(decide)
        return Estimate(done.mean_loss(), done, tuple(scores), tuple(hard))
