"""What a distribution of hard gates offers: draws made of categorical choices, on which every estimator is built."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor

from core.architecture import Architecture
from core.errors import InputError
from core.strategy import GateRule, Site, logit

TestGates = Literal["sampled", "threshold", "calibrated"]


@dataclass(frozen=True)
class Draw:
    """Gates, and the categorical choices that they come from; a choice depends on the scores and on those before it.

    Attributes:
        gates: ``[B, blocks]``, binary, without a gradient.
        logits: ``[B, choices, options]``, differentiable; ``-inf`` where an option is not to be had.
        chosen: ``[B, choices, options]``, 1 where an option was chosen; all 0 where an example has fewer choices.
    """

    gates: Tensor
    logits: Tensor
    chosen: Tensor

    @property
    def log_probability(self) -> Tensor:
        """``[B]``: the log probability of the choices, differentiable."""
        return torch.where(self.chosen > 0, self.logits.log_softmax(dim=2), 0.0).sum(dim=(1, 2))

    @property
    def probability(self) -> Tensor:
        """``[B, choices, options]``: of every option at its turn, differentiable; 0 where there is no choice."""
        return self.of_choices(self.logits.softmax(dim=2))

    def of_choices(self, values: Tensor) -> Tensor:
        """Return ``values`` ``[B, choices, options]``, and 0 where an example has no choice."""
        return torch.where(self.chosen.sum(dim=2, keepdim=True) > 0, values, 0.0)


@dataclass(frozen=True)
class Relaxed:
    """A continuous sample, and the hard gates that it is a relaxation of.

    Attributes:
        soft: ``[B, blocks]``, positive, differentiable.
        hard: ``[B, blocks]``, binary; with the distribution's own probabilities, whatever the temperature.
    """

    soft: Tensor
    hard: Tensor


@dataclass(frozen=True)
class Alternatives:
    """What else could have been drawn for groups of choices, each group with all others held.

    Attributes:
        chosen: ``[A, B, choices, options]``, alternative draws of a layer.
        log_probability: ``[G, M, B]``, differentiable: of each of the M values of each group of choices.
        index: ``[G, M]``, which of the alternatives has that value.
        flipped: ``[A]``: the block whose gate the alternative flips, -1 for the draw itself; None where alternatives
            are no flips of single gates.
    """

    chosen: Tensor
    log_probability: Tensor
    index: Tensor
    flipped: Tensor | None = None


class GateDistribution(ABC):
    """A distribution of binary gates ``[B, blocks]`` given scores ``[B, scores]``.

    Args:
        density: the target share of open blocks.

    Attributes:
        priced: whether penalties keep it to the budget; else it keeps to it by construction, and its load is balanced.
        usual_test_gates: how its gates are set at test time unless a setting says otherwise.
        scores_blocks: False if score j is not about block j.
    """

    priced: ClassVar[bool] = False
    usual_test_gates: ClassVar[TestGates] = "threshold"
    scores_blocks: ClassVar[bool] = True

    def __init__(self, density: float) -> None:
        self.density = density

    @classmethod
    def impossible(cls, architecture: Architecture, density: float, tolerance: float) -> str | None:
        """Say in which layer it opens more at least than a density and its tolerance allow; None if in none."""
        return None

    @abstractmethod
    def choose(self, scores: Tensor, generator: torch.Generator) -> Tensor:
        """Draw choices ``[B, choices, options]``, one-hot."""

    @abstractmethod
    def logits(self, scores: Tensor, chosen: Tensor) -> Tensor:
        """Return ``[B, choices, options]``: the logits of each choice, given those before it among ``chosen``."""

    @abstractmethod
    def combined(self, choices: Tensor, blocks: int) -> Tensor:
        """Return gates ``[B, blocks]`` from choices, hard or soft: a linear map."""

    @abstractmethod
    def likely(self, scores: Tensor, generator: torch.Generator) -> Tensor:
        """Return the likeliest choices, as :meth:`choose`; the generator is for what the budget leaves to chance."""

    @abstractmethod
    def relaxed(self, scores: Tensor, generator: torch.Generator, temperature: float) -> Relaxed:
        """Draw a continuous sample and the hard one that it relaxes."""

    @abstractmethod
    def imitation(self, scores: Tensor, gates: Tensor) -> Tensor:
        """Return ``[B]``: the loss in nats, per open block or choice, that makes a teacher's ``gates`` likely."""

    @abstractmethod
    def entropy(self, scores: Tensor) -> Tensor:
        """Return ``[B]``: the entropy of a choice in nats, differentiable."""

    def most_entropy(self, blocks: int) -> float:
        """Return the greatest entropy that :meth:`entropy` can have in a layer of so many blocks."""
        raise InputError(f"{type(self).__name__}: its entropy depends on the density that it is priced to")

    @abstractmethod
    def support(self, blocks: int) -> Tensor:
        """Return ``[N, choices, options]``: everything that can be drawn, for small layers."""

    def imbalance(self, scores: Tensor, gates: Tensor) -> Tensor:
        """Return how unevenly examples use the blocks, 1 when even, as a scalar to minimise."""
        raise InputError(f"{type(self).__name__}: its load is not balanced, it is priced")

    def alternatives(self, scores: Tensor, draw: Draw) -> Alternatives:
        """Return the values that groups of choices could have had, for local expectations.

        Raises:
            InputError: they are too many.
        """
        raise InputError(f"local expectation is not defined on the gates {type(self).__name__}: a choice excludes more")

    def probability(self, scores: Tensor) -> Tensor | None:
        """Return the open-probabilities ``[B, blocks]``, for penalties and fallback; None if always some are open."""
        return None

    def initial_bias(self) -> float:
        """Return the bias of the scores at which a share of the density is open; their logit, unless it is another."""
        return logit(self.density)

    def rule(self, test_gates: TestGates, scale: float = 1.0) -> GateRule | None:
        """Return the rule of its test gates at ``scale`` times the scores, if one describes them."""
        return None

    def draw(self, scores: Tensor, generator: torch.Generator) -> Draw:
        """Draw gates."""
        with torch.no_grad():
            chosen = self.choose(scores, generator)
        return self.drawn(scores, chosen)

    def likely_draw(self, scores: Tensor, generator: torch.Generator) -> Draw:
        """Return the likeliest gates as a draw."""
        with torch.no_grad():
            chosen = self.likely(scores, generator)
        return self.drawn(scores, chosen)

    def drawn(self, scores: Tensor, chosen: Tensor) -> Draw:
        """Return these choices as a draw at ``scores``, whose probabilities are then those of the draw."""
        return Draw(self.combined(chosen, self.blocks(scores)), self.logits(scores, chosen), chosen)

    def blocks(self, scores: Tensor) -> int:
        """Return how many blocks scores ``[B, blocks]`` are for."""
        return scores.shape[1]

    def test_gates(self, site: Site, generator: torch.Generator, how: TestGates, scale: float = 1.0) -> Tensor:
        """Return hard gates for test time from ``scale`` times the site's scores, asking for those it needs."""
        scores = scale * site.scores
        chosen = self.choose(scores, generator) if how == "sampled" else self.likely(scores, generator)
        return self.combined(chosen, site.blocks)
