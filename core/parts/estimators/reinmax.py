"""ReinMax: straight-through of the second order."""

import torch
from torch import Tensor

from core.parts.distributions.distribution import Draw, GateDistribution
from core.parts.estimators.straight_through import Correction
from core.parts.gates import straight_through


class ReinMax(Correction):
    """Heun's method between the options: exact where the loss is quadratic in the gates; biased elsewhere.

    ``2 J((pi + D) / 2) - J(pi) / 2`` with J(p) the Jacobian of the softmax whose value is p, pi the probabilities and D
    what was drawn (Liu et al. 2023, arXiv 2304.08612, equation 5 and algorithm 2), for each choice in its turn.
    """

    def gates(self, distribution: GateDistribution, draw: Draw, generator: torch.Generator) -> Tensor:
        probability = draw.probability
        # Twice the mean, which to a softmax is the same.
        midway = (probability + draw.chosen).detach().clamp(min=torch.finfo(probability.dtype).tiny)
        shift = torch.where(torch.isfinite(draw.logits), midway.log() - draw.logits, 0.0).detach()
        at_midway = draw.of_choices((draw.logits + shift).softmax(dim=2))
        blocks = draw.gates.shape[1]
        soft = 2 * distribution.combined(at_midway, blocks) - 0.5 * distribution.combined(probability, blocks)
        return straight_through(draw.gates, soft)
