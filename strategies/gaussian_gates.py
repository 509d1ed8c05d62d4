"""Stochastic gates: a mean plus Gaussian noise, clamped."""

import math
from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from core import penalties
from core.gates import normal_like
from core.space import Domain, Real
from core.strategy import Decision, Family, Pass, Run, Site, Strategy


class GaussianGates(Strategy):
    """Gates are a mean plus Gaussian noise, clamped to 0..1: a little noise and a true gradient in between.

    ``g = clamp(mu + sigma e, 0, 1)``, ``e ~ N(0, 1)`` in training and 0 at test time; a block is open with probability
    ``Phi(mu / sigma)``, which is what the penalties keep to the budget.
    """

    source: ClassVar[str] = "Yamada et al. 2020, arXiv 1810.04247"
    family: ClassVar[Family] = "relaxation"
    space: ClassVar[Mapping[str, Domain]] = {
        **penalties.SPACE,
        "sigma": Real(0.5, low=0.05, high=2.0, log=True),
    }

    def objective(self, run: Run) -> tuple[Tensor, Pass]:
        sigma = self.settings["sigma"]

        def decide(site: Site) -> Decision:
            noise = normal_like(site.scores, run.generator)
            return Decision((self._mean(site) + sigma * noise).clamp(0, 1), self._probability(site))

        done = run(decide)
        price = penalties.penalty(done.decisions, run.density, self.settings["lambda_s"], self.settings["lambda_v"])
        return done.mean_loss() + price, done

    def infer(self, run: Run) -> Pass:
        def decide(site: Site) -> Decision:
            return Decision(self._mean(site).clamp(0, 1), self._probability(site))

        return run(decide)

    def _mean(self, site: Site) -> Tensor:
        sigma: float = self.settings["sigma"]
        return sigma * site.scores

    def _probability(self, site: Site) -> Tensor:
        return 0.5 * (1 + torch.erf(site.scores / math.sqrt(2)))
