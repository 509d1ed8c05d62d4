"""Exactly k open blocks: drawn one after another, without replacement, by their scores."""

import itertools
import math

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from core.architecture import Architecture
from core.errors import InputError
from core.parts.distributions.distribution import GateDistribution, Relaxed, TestGates
from core.parts.gates import ROUNDING, budget, gumbel_like, open_counts, too_few_blocks
from core.parts.penalties import load_imbalance
from core.strategy import GateRule


class ExactlyK(GateDistribution):
    """The first k of a Plackett-Luce ranking by ``exp(score)``: each block is drawn by the softmax over those left.

    Drawn as the k highest of the scores plus Gumbel noise (Yellott 1977; Kool et al. 2019, arXiv 1903.06059). The
    log probability is that of the *ordered* draw; its gradient is an unbiased one of the set's too, since the set
    follows from the order. k is ``density * blocks``.
    """

    @classmethod
    def impossible(cls, architecture: Architecture, density: float, tolerance: float) -> str | None:
        return too_few_blocks(architecture, density, tolerance)

    def counts(self, scores: Tensor, generator: torch.Generator) -> Tensor:
        """Return ``[B]``: how many blocks each example opens. The only place that draws asks for the budget."""
        return open_counts(scores.shape[0], scores.shape[1], self.density, generator)

    def choose(self, scores: Tensor, generator: torch.Generator) -> Tensor:
        return self._ranked(scores + gumbel_like(scores, generator), self.counts(scores, generator))

    def logits(self, scores: Tensor, chosen: Tensor) -> Tensor:
        taken = chosen.cumsum(dim=1) - chosen
        return scores[:, None, :].masked_fill(taken > 0, -torch.inf)

    def combined(self, choices: Tensor, blocks: int) -> Tensor:
        return choices.sum(dim=1)

    def likely(self, scores: Tensor, generator: torch.Generator) -> Tensor:
        return self._ranked(scores, self.counts(scores, generator))

    def rule(self, test_gates: TestGates, scale: float = 1.0) -> GateRule | None:
        return None if test_gates == "sampled" else GateRule("top")

    def relaxed(self, scores: Tensor, generator: torch.Generator, temperature: float) -> Relaxed:
        """The relaxed top-k of noisy scores, a sum of k softmaxes (Xie and Ermon 2019, arXiv 1901.10517, section 3)."""
        noisy = scores + gumbel_like(scores, generator)
        counts = self.counts(scores, generator)
        return Relaxed(successive_softmax(noisy, counts, temperature), self._ranked(noisy.detach(), counts).sum(dim=1))

    def imitation(self, scores: Tensor, gates: Tensor) -> Tensor:
        log_probability = scores.log_softmax(dim=1)
        return -(gates * log_probability).sum(dim=1) / gates.sum(dim=1).clamp(min=1)

    def entropy(self, scores: Tensor) -> Tensor:
        """Of the first choice."""
        log_probability = scores.log_softmax(dim=1)
        return -(log_probability.exp() * log_probability).sum(dim=1)

    def most_entropy(self, blocks: int) -> float:
        return math.log(blocks)

    def imbalance(self, scores: Tensor, gates: Tensor) -> Tensor:
        return load_imbalance(scores, gates)

    def support(self, blocks: int) -> Tensor:
        """Where every example opens the same number.

        Raises:
            InputError: the budget is no whole number of blocks.
        """
        if abs(self.density * blocks - budget(blocks, self.density)) > ROUNDING:
            raise InputError(f"{self.density * blocks:g} of {blocks} blocks is no whole number: draws are of two sizes")
        return one_hot(torch.tensor(list(itertools.permutations(range(blocks), budget(blocks, self.density)))), blocks)

    def _ranked(self, scores: Tensor, counts: Tensor) -> Tensor:
        """Return ``[B, choices, blocks]``, one-hot: the highest scores, in order, as many as each example opens."""
        # The largest count is a value, which a network that is being compiled does not have: its bound does there.
        compiling = torch.compiler.is_compiling()
        most = math.ceil(max(1.0, self.density * scores.shape[1] - ROUNDING)) if compiling else int(counts.max())
        taken = torch.arange(most, device=scores.device) < counts[:, None]
        highest = one_hot(scores.topk(most, dim=1).indices, scores.shape[1])
        return highest.masked_fill(~taken[:, :, None], 0).to(scores.dtype)


def successive_softmax(scores: Tensor, counts: Tensor, temperature: float = 1.0) -> Tensor:
    """Return ``[B, blocks]`` whose rows sum to ``counts`` ``[B]``: softmaxes, each over what those before it left.

    ``a_1 = scores``, ``p_i = softmax(a_i / T)``, ``a_{i+1} = a_i + log(1 - p_i)``, and the sum of the first p; the
    highest scores as T falls to 0. Of two that are close one may get more than 1. For 0, 0, 0 and a count of 2:

    >>> successive_softmax(torch.zeros(1, 3), torch.tensor([2]))
    tensor([[0.6667, 0.6667, 0.6667]])
    """
    total = torch.zeros_like(scores)
    itself = torch.eye(scores.shape[1], dtype=torch.bool, device=scores.device)
    most = int(counts.max())
    for number in range(most):
        heated = scores / temperature
        total = total + torch.where((number < counts)[:, None], heated.softmax(dim=1), 0.0)
        if number < most - 1:
            # log(1 - p) from the others' scores: from p it would be log 0 for a block that is all but taken.
            others = heated[:, None, :].masked_fill(itself, -torch.inf).logsumexp(dim=2)
            scores = scores + others - heated.logsumexp(dim=1, keepdim=True)
    return total
