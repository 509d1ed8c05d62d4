"""The gapped straight-through estimator."""

from dataclasses import dataclass

import torch
from torch import Tensor

from core.parts.distributions.distribution import Draw, GateDistribution
from core.parts.estimators.straight_through import Correction
from core.parts.gates import straight_through


@dataclass(frozen=True)
class Gapped(Correction):
    """The softmax of logits that are moved so that what was drawn leads by a gap; biased.

    The drawn option's logit is raised to the highest, and those of the others are lowered to ``gap`` below that,
    without a gradient of the movements: what Gumbel noise does to them, without its variance (Fan et al. 2022, arXiv
    2206.07235, section 4).

    Attributes:
        gap: in logits; 1 is the paper's GST-1.0.
    """

    gap: float = 1.0

    def gates(self, distribution: GateDistribution, draw: Draw, generator: torch.Generator) -> Tensor:
        with torch.no_grad():
            highest = draw.logits.amax(dim=2, keepdim=True)
            raised = torch.where(draw.chosen > 0, highest - draw.logits, 0.0)
            lowered = torch.where(draw.chosen > 0, 0.0, (draw.logits + self.gap - highest).clamp(min=0.0))
        moved = (draw.logits + raised - lowered).softmax(dim=2)
        soft = distribution.combined(draw.of_choices(moved), draw.gates.shape[1])
        return straight_through(draw.gates, soft)
