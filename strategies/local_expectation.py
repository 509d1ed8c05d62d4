"""Local expectation gradients: Rao-Blackwellised by flipping every gate."""

from typing import ClassVar

import torch
from torch import Tensor

from core.parts.bernoulli import BernoulliStrategy
from core.parts.gates import bernoulli
from core.strategy import Batch, Decision, Family, Pass, Site


class LocalExpectation(BernoulliStrategy):
    """Sample all gates, then take the exact expectation over each one given the others, by flipping it.

    ``dE/dp_j = E[C(g with j open) - C(g with j closed)]``: unbiased in one layer. In deeper networks the gates of later
    layers are held as sampled while an earlier one is flipped, which leaves their answer to the flip out.
    """

    source: ClassVar[str] = "Titsias and Lazaro-Gredilla 2015"
    family: ClassVar[Family] = "policy gradient"
    needs = frozenset({"flips"})

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        detached: list[Tensor] = []

        def decide(site: Site) -> Decision:
            probability = self.probability(site, batch)
            detached.append(site.scores_detached.sigmoid())
            return Decision(bernoulli(probability, batch.generator), probability)

        done = batch(decide)
        assert done.loss is not None
        loss = done.loss.detach()[:, None]
        policy = torch.zeros_like(loss.mean())
        for layer, (decision, probability) in enumerate(zip(done.decisions, detached, strict=True)):
            flipped = batch.flips(done, layer)
            sign = 1 - 2 * decision.gates  # opening a closed gate costs flipped - loss, an open one loss - flipped
            policy = policy + (probability * sign * (flipped - loss)).sum(dim=1).mean()
        return done.mean_loss() + policy + self.price(batch, done.decisions), done
