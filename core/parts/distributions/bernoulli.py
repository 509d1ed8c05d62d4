"""Gates that open independently, each with the sigmoid of its score."""

import itertools
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, logsigmoid, one_hot

from core.parts.distributions.distribution import Alternatives, Draw, GateDistribution, Relaxed, TestGates
from core.parts.gates import bernoulli, likely, logistic_like
from core.parts.penalties import bernoulli_entropy
from core.strategy import GateRule


class Bernoulli(GateDistribution):
    """Each gate opens independently with ``sigmoid(score)``; penalties keep the probabilities to the budget.

    Args:
        density: the target share of open blocks.
        floor: the least probability of a gate to be open, and to be closed: ``(1 - 2 floor) sigmoid(score) + floor``
            (the paper's authors' code, github.com/bengioe/condnet, with 0.01).
    """

    priced: ClassVar[bool] = True
    usual_test_gates: ClassVar[TestGates] = "calibrated"

    def __init__(self, density: float, floor: float = 0.0) -> None:
        super().__init__(density)
        self.floor = floor

    def choose(self, scores: Tensor, generator: torch.Generator) -> Tensor:
        return _closed_and_open(bernoulli(self.probability(scores), generator))

    def logits(self, scores: Tensor, chosen: Tensor) -> Tensor:
        if self.floor > 0:
            probability = self.probability(scores)
            scores = probability.log() - (1 - probability).log()
        return torch.stack([torch.zeros_like(scores), scores], dim=2)

    def combined(self, choices: Tensor, blocks: int) -> Tensor:
        return choices[:, :, 1]

    def probability(self, scores: Tensor) -> Tensor:
        probability = scores.sigmoid()
        return (1 - 2 * self.floor) * probability + self.floor if self.floor > 0 else probability

    def likely(self, scores: Tensor, generator: torch.Generator) -> Tensor:
        return _closed_and_open(likely(self.probability(scores)))

    def rule(self, test_gates: TestGates, scale: float = 1.0) -> GateRule | None:
        if test_gates == "calibrated":
            return None  # the threshold is not known here
        return None if self.floor > 0 and test_gates == "sampled" else GateRule(test_gates, scale=scale)

    def relaxed(self, scores: Tensor, generator: torch.Generator, temperature: float) -> Relaxed:
        """``s = sigmoid((logit + logistic noise) / T)``: the binary concrete (Maddison et al. 2017, section 2.2)."""
        logits = self.logits(scores, scores)[:, :, 1]
        soft = ((logits + logistic_like(logits, generator)) / temperature).sigmoid()
        return Relaxed(soft, (soft.detach() > 0.5).to(soft.dtype))

    def imitation(self, scores: Tensor, gates: Tensor) -> Tensor:
        return binary_cross_entropy_with_logits(self.logits(scores, scores)[:, :, 1], gates, reduction="none").mean(1)

    def entropy(self, scores: Tensor) -> Tensor:
        return bernoulli_entropy(self.probability(scores)).mean(dim=1)

    def support(self, blocks: int) -> Tensor:
        return one_hot(torch.tensor(list(itertools.product((0, 1), repeat=blocks))), 2)

    def alternatives(self, scores: Tensor, draw: Draw) -> Alternatives:
        """Every gate by itself, as drawn or flipped."""
        blocks = draw.gates.shape[1]
        flips = torch.cat([torch.zeros(1, blocks, device=scores.device), torch.eye(blocks, device=scores.device)])
        chosen = torch.where(flips[:, None, :, None] > 0, 1 - draw.chosen, draw.chosen)
        sign = 2 * draw.gates - 1
        logits = self.logits(scores, draw.chosen)[:, :, 1]
        log_probability = torch.stack([logsigmoid(sign * logits), logsigmoid(-sign * logits)]).permute(2, 0, 1)
        own = torch.zeros(blocks, dtype=torch.long, device=scores.device)
        index = torch.stack([own, torch.arange(1, blocks + 1, device=scores.device)], dim=1)
        return Alternatives(chosen, log_probability, index, torch.arange(-1, blocks, device=scores.device))


def _closed_and_open(gates: Tensor) -> Tensor:
    return torch.stack([1 - gates, gates], dim=2)
