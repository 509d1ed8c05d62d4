"""SparseMixer: the gradient of the policy from the open gates alone."""

from typing import ClassVar

import torch
from torch import Tensor

from core.parts.distributions.distribution import Draw, GateDistribution
from core.parts.estimators.straight_through import Correction
from core.parts.gates import uniform_like
from kernels import GateGrad


class SparseMixer(Correction):
    """``(C(D) - C(nothing)) grad log pi(D)`` with the difference from C's derivative by the open gate; biased.

    ``C(D) - C(0) = C'(D)`` to the first order, or ``C'(D / 2)`` to the second, by a pass with the gate at 1/2. Half of
    what is drawn has a gate of 1/2 in training, but never the likeliest option, which is what is run at test time (Liu
    et al. 2023, arXiv 2310.00811, section 3). Closed blocks are not computed. Without the paper's masking of options
    that are far from the likeliest, and without its scaling of gates by their probability.
    """

    gate_grad: ClassVar[GateGrad] = "open"

    def gates(self, distribution: GateDistribution, draw: Draw, generator: torch.Generator) -> Tensor:
        log_probability = torch.where(draw.chosen > 0, draw.logits.log_softmax(dim=2), 0.0)
        with torch.no_grad():
            likeliest = torch.zeros_like(draw.chosen).scatter_(2, draw.logits.argmax(dim=2, keepdim=True), 1.0)
            coin = uniform_like(draw.chosen.sum(dim=2), generator)
            first_order = ((likeliest > 0) & (draw.chosen > 0)).any(dim=2) | (coin < 0.5)
            value = torch.where((draw.chosen > 0) & ~first_order[:, :, None], 0.5, draw.chosen)
        blocks = draw.gates.shape[1]
        change = log_probability - log_probability.detach()
        return distribution.combined(value, blocks) + distribution.combined(change, blocks)
