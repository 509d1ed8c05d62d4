"""The score function estimator, REINFORCE, on any distribution of gates."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn

from core.parts.baselines import baseline
from core.parts.estimators.estimator import Estimate, Estimator, Policy, Sampler
from core.strategy import Batch


@dataclass(frozen=True)
class ScoreFunction(Estimator):
    """``(C - baseline) grad log pi(g | h)`` for each example's cost C, its loss (Williams 1992).

    Unbiased in any number of layers, but for the baseline ``batch_minimum``, which an example's own cost may be.

    Attributes:
        baseline: one of :data:`core.parts.baselines.BASELINES`, or ``learned``.
        samples: per example; more than one only where the baseline is ``samples``.
        predicted_cost: for the ``learned`` one, a linear prediction of the cost from the input by least squares.
    """

    unbiased: ClassVar[bool] = True
    baseline: str
    samples: int = 1
    predicted_cost: nn.Linear | None = None

    def estimate(self, batch: Batch, policy: Policy) -> Estimate:
        sampler = Sampler(policy, batch.generator)
        done = batch(sampler, samples=self.samples if self.baseline == "samples" else 1)
        assert done.loss is not None
        cost = done.loss.detach().unflatten(0, (done.samples, -1))
        total = done.mean_loss()
        if self.predicted_cost is None:
            compared_with: Tensor = baseline(cost, self.baseline)
        else:
            predicted = batch.project(done, self.predicted_cost, layer=0).view_as(cost)
            compared_with = predicted.detach()
            total = total + (predicted - cost).square().mean()
        log_probability = torch.stack([draw.log_probability for draw in sampler.draws]).sum(dim=0).view_as(cost)
        return sampler.estimate(total + ((cost - compared_with) * log_probability).mean(), done)
