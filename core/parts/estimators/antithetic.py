"""Antithetic pairs of Bernoulli gates with the noise of their uniforms integrated out: DisARM."""

from typing import ClassVar

import torch
from torch import Tensor

from core.parts.estimators.estimator import Estimate, Estimator, Policy, Sampler
from core.parts.gates import uniform_like
from core.strategy import Batch, Decision, Site


class Antithetic(Estimator):
    """One antithetic pair per layer, of a common prefix, the later layers drawn anew (Dong et al. 2020, section 4).

    ``b = [u < p]``, ``b' = [u > 1 - p]`` with one uniform ``u`` per gate; the gradient of a logit is
    ``1/2 (C(b) - C(b')) (-1)^b' [b != b'] sigmoid(|logit|)`` (equation 6). Unbiased in any number of layers: given the
    layers below, both costs are samples of the expected cost of their gates. With L layers there are L + 1 passes: one
    holds the first of every pair, and its copy for layer l has its gates below l, the antithetic ones in l, and fresh
    ones above.

    Only for independent gates. The network learns from the mean loss of all passes.
    """

    unbiased: ClassVar[bool] = True

    def estimate(self, batch: Batch, policy: Policy) -> Estimate:
        first = _Uniforms(policy, batch.generator)
        done = batch(first)
        layers = range(len(first.draws))

        def decide(site: Site) -> Decision:
            copies = [first.draws[site.index].gates] * (len(layers) - site.index - 1)
            copies.insert(0, first.antithetic[site.index])
            if site.index > 0:
                rows = site.index * len(copies[0])
                fresh = policy.distribution.draw(policy.detached(site)[:rows], batch.generator).gates
                copies.insert(0, fresh)
            return Decision(torch.cat(copies))

        others = batch(decide, samples=len(layers))
        assert done.loss is not None
        assert others.loss is not None
        costs, other_costs = batch.cost_to_go(done), batch.cost_to_go(others)
        objective = torch.cat([done.loss, others.loss]).mean()
        for layer in layers:
            gates, opposite, logit = first.draws[layer].gates, first.antithetic[layer], first.detached[layer]
            sign = (1 - 2 * opposite) * (gates != opposite)
            difference = costs[layer].flatten() - other_costs[layer][layer].flatten()
            credit = 0.5 * difference[:, None] * sign * logit.detach().abs().sigmoid()
            objective = objective + (credit * logit).sum(dim=1).mean()
        return first.estimate(objective, done)


class _Uniforms(Sampler):
    """Draws gates by a uniform each, and keeps the antithetic ones too."""

    def __init__(self, policy: Policy, generator: torch.Generator) -> None:
        super().__init__(policy, generator)
        self.antithetic: list[Tensor] = []

    def __call__(self, site: Site) -> Decision:
        detached = self._policy.detached(site)
        probability = detached.detach().sigmoid()
        uniform = uniform_like(probability, self._generator)
        is_open = (uniform < probability).to(probability.dtype)
        self.scores.append(self._policy.scores(site))
        self.detached.append(detached)
        self.draws.append(self._policy.distribution.drawn(detached, torch.stack([1 - is_open, is_open], dim=2)))
        self.antithetic.append((uniform > 1 - probability).to(probability.dtype))
        return self._policy.decision(site, is_open)
