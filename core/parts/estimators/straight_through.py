"""Straight-through estimators: hard gates with the gradient of something soft."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from core.parts.distributions.distribution import Draw, GateDistribution
from core.parts.estimators.estimator import Estimate, Estimator, Policy
from core.parts.gates import straight_through
from core.strategy import Batch, Decision, Site
from kernels import GateGrad


class Correction(ABC):
    """What gradient the gates of a draw have.

    Attributes:
        gate_grad: ``exact`` if closed gates need their true gradient.
    """

    gate_grad: ClassVar[GateGrad] = "exact"

    @abstractmethod
    def gates(self, distribution: GateDistribution, draw: Draw, generator: torch.Generator) -> Tensor:
        """Return gates ``[B, blocks]``, differentiable in the draw's logits."""


class Plain(Correction):
    """The gradient of each option's probability, as if sampling were the identity (Bengio et al. 2013)."""

    def gates(self, distribution: GateDistribution, draw: Draw, generator: torch.Generator) -> Tensor:
        soft = distribution.combined(draw.probability, draw.gates.shape[1])
        return straight_through(draw.gates, soft)


@dataclass(frozen=True)
class StraightThrough(Estimator):
    """Biased, of low variance: the gradient of hard gates is sent to what a correction says they stand for.

    Attributes:
        correction: see there.
        sampled: whether gates are drawn in training; else they are the likeliest.
    """

    unbiased: ClassVar[bool] = False
    correction: Correction
    sampled: bool = True

    def estimate(self, batch: Batch, policy: Policy) -> Estimate:
        scores: list[Tensor] = []
        hard: list[Tensor] = []

        def decide(site: Site) -> Decision:
            at = policy.scores(site)
            distribution = policy.distribution
            draw = (distribution.draw if self.sampled else distribution.likely_draw)(at, batch.generator)
            scores.append(at)
            hard.append(draw.gates)
            gates = self.correction.gates(distribution, draw, batch.generator)
            return Decision(gates, distribution.probability(at), gate_grad=self.correction.gate_grad)

        done = batch(decide)
        return Estimate(done.mean_loss(), done, tuple(scores), tuple(hard))
