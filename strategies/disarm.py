"""DisARM: a pair of antithetic samples, with the noise of their uniforms integrated out."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from core import penalties
from core.gates import hard_gates
from core.space import Choice, Domain
from core.strategy import Decision, Family, Pass, Run, Site, Strategy


class Disarm(Strategy):
    """Run two antithetic samples per example, and credit the gates in which they differ.

    ``b = [u < p]``, ``b' = [u > 1 - p]`` with one uniform ``u`` per gate; the gradient of the logit is
    ``1/2 (C(b) - C(b')) (-1)^b' [b != b'] sigmoid(|logit|)`` (Dong et al. 2020, equation 6). Unbiased in one layer. In
    deeper networks a later layer's two samples have different inputs, so that their pairing is approximate there.
    """

    source: ClassVar[str] = "Dong, Mnih and Tucker 2020, arXiv 2006.10680; Yin and Zhou 2019"
    family: ClassVar[Family] = "policy gradient"
    needs = frozenset({"samples"})
    space: ClassVar[Mapping[str, Domain]] = {
        **penalties.SPACE,
        "test_gates": Choice("sampled", ("sampled", "threshold")),
    }

    def objective(self, run: Run) -> tuple[Tensor, Pass]:
        logits: list[Tensor] = []

        def decide(site: Site) -> Decision:
            probability = site.scores.sigmoid()
            logits.append(site.scores_detached)
            first, second = probability.detach().chunk(2)
            uniform = torch.rand(first.shape, generator=run.generator, dtype=first.dtype, device=first.device)
            gates = torch.cat([uniform < first, uniform > 1 - second]).to(probability.dtype)
            return Decision(gates, probability)

        done = run(decide, samples=2)
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
        price = penalties.penalty(done.decisions, run.density, self.settings["lambda_s"], self.settings["lambda_v"])
        return done.mean_loss() + policy + price, done

    def infer(self, run: Run) -> Pass:
        def decide(site: Site) -> Decision:
            probability = site.scores.sigmoid()
            return Decision(hard_gates(probability, run.generator, self.settings["test_gates"]), probability)

        return run(decide)
