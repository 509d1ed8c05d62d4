"""Local expectation gradients: Rao-Blackwellised by flipping every gate."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from core import penalties
from core.gates import bernoulli, hard_gates
from core.space import Choice, Domain
from core.strategy import Decision, Family, Pass, Run, Site, Strategy


class LocalExpectation(Strategy):
    """Sample all gates, then take the exact expectation over each one given the others, by flipping it.

    ``dE/dp_j = E[C(g with j open) - C(g with j closed)]``: unbiased in one layer. In deeper networks the gates of later
    layers are held as sampled while an earlier one is flipped, which leaves their answer to the flip out.
    """

    source: ClassVar[str] = "Titsias and Lazaro-Gredilla 2015"
    family: ClassVar[Family] = "policy gradient"
    needs = frozenset({"flips"})
    space: ClassVar[Mapping[str, Domain]] = {
        **penalties.SPACE,
        "test_gates": Choice("sampled", ("sampled", "threshold")),
    }

    def objective(self, run: Run) -> tuple[Tensor, Pass]:
        detached: list[Tensor] = []

        def decide(site: Site) -> Decision:
            probability = site.scores.sigmoid()
            detached.append(site.scores_detached.sigmoid())
            return Decision(bernoulli(probability, run.generator), probability)

        done = run(decide)
        assert done.loss is not None
        loss = done.loss.detach()[:, None]
        policy = torch.zeros_like(loss.mean())
        for layer, (decision, probability) in enumerate(zip(done.decisions, detached, strict=True)):
            flipped = run.flips(done, layer)
            sign = 1 - 2 * decision.gates  # opening a closed gate costs flipped - loss, an open one loss - flipped
            policy = policy + (probability * sign * (flipped - loss)).sum(dim=1).mean()
        price = penalties.penalty(done.decisions, run.density, self.settings["lambda_s"], self.settings["lambda_v"])
        return done.mean_loss() + policy + price, done

    def infer(self, run: Run) -> Pass:
        def decide(site: Site) -> Decision:
            probability = site.scores.sigmoid()
            return Decision(hard_gates(probability, run.generator, self.settings["test_gates"]), probability)

        return run(decide)
