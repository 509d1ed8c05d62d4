"""The score function estimator, REINFORCE, on any distribution of gates."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

import torch
from torch import Tensor

from core.parts.baselines import CostPrediction, baseline
from core.parts.estimators.estimator import Estimate, Estimator, Policy, Sampler
from core.strategy import Batch


@dataclass(frozen=True)
class ScoreFunction(Estimator):
    """``(C - baseline) grad log pi(g | h)`` for each row's cost C: the losses that its gates change (Williams 1992).

    Unbiased in any number of layers, but for the baseline ``batch_minimum``, which a row's own cost may be.

    Attributes:
        baseline: one of :data:`core.parts.baselines.BASELINES`, or ``learned``.
        samples: per example; more than one only where the baseline is ``samples``.
        predicted_cost: for the ``learned`` one, a linear prediction of the cost from the input by least squares.
    """

    unbiased: ClassVar[bool] = True
    baseline: str
    samples: int = 1
    predicted_cost: CostPrediction | None = None

    def estimate(self, batch: Batch, policy: Policy) -> Estimate:
        sampler = Sampler(policy, batch.generator)
        done = batch(sampler, samples=self.samples if self.baseline == "samples" else 1)
        costs = batch.cost_to_go(done)
        predicted = (
            None if self.predicted_cost is None else batch.project(done, self.predicted_cost, layer=0).view_as(costs[0])
        )
        total = done.mean_loss()
        # Layers that share a cost share its baseline.
        for _, layers in groupby(range(len(costs)), key=lambda layer: id(costs[layer])):
            total = total + self._credit(costs, list(layers), sampler, predicted)
        return sampler.estimate(total, done)

    def _credit(
        self, costs: Sequence[Tensor], layers: Sequence[int], sampler: Sampler, predicted: Tensor | None
    ) -> Tensor:
        """Return what teaches the gaters of layers that have one cost, and the prediction of it."""
        cost = costs[layers[0]]
        drawn = [sampler.draws[layer].log_probability for layer in layers]
        log_probability = torch.stack(drawn).sum(dim=0).view_as(cost)
        if predicted is None:
            return ((cost - baseline(cost, self.baseline)) * log_probability).mean()
        if predicted.shape != cost.shape:
            # Every row of this layer has its example's cost, and its positions are not those of the first layer.
            ratio = cost.shape[2] / predicted.shape[2]
            predicted = ratio * predicted.mean(dim=2, keepdim=True).expand_as(cost)
        error = (predicted - cost).square().mean()
        return error + ((cost - predicted.detach()) * log_probability).mean()
