"""What an estimator is given, a policy, and what it returns: an objective, and what was sampled for it."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from core.parts.distributions.distribution import Draw, GateDistribution
from core.strategy import Batch, Decision, Pass, Site


@dataclass(frozen=True)
class Policy:
    """A distribution of gates and the scores that it is given.

    Attributes:
        distribution: of every layer's gates.
        scores: a site's scores, with the gradient to the layers below that penalties and pathwise gradients may have.
        detached: the same values; only the gater learns from them. Policy gradients go through these.
    """

    distribution: GateDistribution
    scores: Callable[[Site], Tensor]
    detached: Callable[[Site], Tensor]

    def decision(self, site: Site, gates: Tensor) -> Decision:
        """Return the decision for drawn gates, with the open-probabilities that the budget is kept by."""
        return Decision(gates, self.distribution.probability(self.scores(site)))


@dataclass(frozen=True)
class Estimate:
    """A scalar to minimise, but for what keeps the budget, and the pass behind it.

    Attributes:
        objective: the mean loss, whose gradient by the gaters is the estimate.
        done: the pass to log.
        scores: per layer of ``done``, ``[rows, blocks]``, as :attr:`Policy.scores` gave them.
        gates: per layer of ``done``, ``[rows, blocks]``, binary, without a gradient.
    """

    objective: Tensor
    done: Pass
    scores: tuple[Tensor, ...]
    gates: tuple[Tensor, ...]


class Estimator(ABC):
    """A way to estimate the gradient of the expected loss by the gaters' scores.

    Attributes:
        unbiased: whether the estimate's expectation is that gradient, in any number of layers.
    """

    unbiased: ClassVar[bool]

    @abstractmethod
    def estimate(self, batch: Batch, policy: Policy) -> Estimate:
        """Run a training batch."""


class Sampler:
    """A callback that draws gates at each site, and keeps what it drew.

    Attributes:
        scores: per layer, as :attr:`Policy.scores` gave them.
        detached: per layer, as :attr:`Policy.detached` gave them.
        draws: per layer, at the detached scores.
    """

    def __init__(self, policy: Policy, generator: torch.Generator) -> None:
        self.scores: list[Tensor] = []
        self.detached: list[Tensor] = []
        self.draws: list[Draw] = []
        self._policy = policy
        self._generator = generator

    def __call__(self, site: Site) -> Decision:
        detached = self._policy.detached(site)
        draw = self._policy.distribution.draw(detached, self._generator)
        self.scores.append(self._policy.scores(site))
        self.detached.append(detached)
        self.draws.append(draw)
        return self._policy.decision(site, draw.gates)

    def estimate(self, objective: Tensor, done: Pass) -> Estimate:
        """Return the estimate from the pass that this callback decided for."""
        return Estimate(objective, done, tuple(self.scores), tuple(draw.gates for draw in self.draws))
