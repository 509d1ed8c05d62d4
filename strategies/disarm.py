"""DisARM: a pair of antithetic samples, with the noise of their uniforms integrated out."""

from typing import ClassVar

import torch
from torch import Tensor

from core.parts.bernoulli import BernoulliStrategy
from core.strategy import Batch, Decision, Family, Pass, Site


class Disarm(BernoulliStrategy):
    """Run two antithetic samples per example, and credit the gates in which they differ.

    ``b = [u < p]``, ``b' = [u > 1 - p]`` with one uniform ``u`` per gate; the gradient of the logit is
    ``1/2 (C(b) - C(b')) (-1)^b' [b != b'] sigmoid(|logit|)`` (Dong et al. 2020, equation 6). Unbiased in one layer. In
    deeper networks a later layer's two samples have different inputs, so that their pairing is approximate there.
    """

    source: ClassVar[str] = "Dong, Mnih and Tucker 2020, arXiv 2006.10680; Yin and Zhou 2019"
    family: ClassVar[Family] = "policy gradient"
    needs = frozenset({"samples"})

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        logits: list[Tensor] = []

        def decide(site: Site) -> Decision:
            probability = self.probability(site, batch)
            logits.append(site.scores_detached)
            first, second = probability.detach().chunk(2)
            uniform = torch.rand(first.shape, generator=batch.generator, dtype=first.dtype, device=first.device)
            gates = torch.cat([uniform < first, uniform > 1 - second]).to(probability.dtype)
            return Decision(gates, probability)

        done = batch(decide, samples=2)
        assert done.loss is not None
        first_cost, second_cost = done.loss.detach().chunk(2)
        half_difference = 0.5 * (first_cost - second_cost)[:, None]
        policy = torch.zeros_like(half_difference.mean())
        for decision, both in zip(done.decisions, logits, strict=True):
            first, second = decision.gates.chunk(2)
            for logit in both.chunk(2):
                # Each sample's logits carry half of the gradient; in the first layer they are the same.
                credit = half_difference * (1 - 2 * second) * (first != second) * logit.detach().abs().sigmoid()
                policy = policy + 0.5 * (credit * logit).sum(dim=1).mean()
        return done.mean_loss() + policy + self.price(batch, done.decisions), done
