"""Straight-through: pretend that sampling was the identity."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from core import penalties
from core.gates import bernoulli, hard_gates
from core.space import Choice, Domain
from core.strategy import Decide, Decision, Family, Pass, Run, Site, Strategy


class StraightThrough(Strategy):
    """Sample hard gates, and send their gradient to the open-probability as if sampling were the identity.

    ``dL/dp := dL/dg``, for closed gates too: training computes every block to know what a closed one would have
    changed. Biased, of low variance.
    """

    source: ClassVar[str] = "Bengio, Leonard and Courville 2013, arXiv 1308.3432"
    family: ClassVar[Family] = "relaxation"
    space: ClassVar[Mapping[str, Domain]] = {
        **penalties.SPACE,
        "test_gates": Choice("sampled", ("sampled", "threshold")),
    }

    def objective(self, run: Run) -> tuple[Tensor, Pass]:
        def decide(site: Site) -> Decision:
            probability = site.scores.sigmoid()
            # Exactly 0 or 1 in value: p - p.detach() is 0, and adds p's gradient.
            gates = bernoulli(probability, run.generator) + probability - probability.detach()
            return Decision(gates, probability, gate_grad="exact")

        done = run(decide)
        price = penalties.penalty(done.decisions, run.density, self.settings["lambda_s"], self.settings["lambda_v"])
        return done.mean_loss() + price, done

    def infer(self, run: Run) -> Pass:
        return run(self._test_decide(run))

    def _test_decide(self, run: Run) -> Decide:
        def decide(site: Site) -> Decision:
            probability = site.scores.sigmoid()
            return Decision(hard_gates(probability, run.generator, self.settings["test_gates"]), probability)

        return decide
