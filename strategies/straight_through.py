"""Straight-through: pretend that sampling was the identity."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from core import penalties
from core.anneal import geometric
from core.gates import bernoulli, hard_gates, straight_through
from core.space import Choice, Domain, Real
from core.strategy import Decision, Family, Pass, Run, Site, Strategy


class StraightThrough(Strategy):
    """Sample hard gates, and send their gradient to the open-probability as if sampling were the identity.

    ``dL/dp := dL/dg``, for closed gates too: training computes every block to know what a closed one would have
    changed. Biased, of low variance. ``p = sigmoid(slope * logit)``, and the slope rises in training from 1 to
    ``last_slope`` (Chung et al. 2016, section 3.2), which makes the gates more decided; 1 leaves it alone.
    """

    source: ClassVar[str] = "Bengio, Leonard and Courville 2013, arXiv 1308.3432; slopes: Chung et al. 2016"
    family: ClassVar[Family] = "relaxation"
    space: ClassVar[Mapping[str, Domain]] = {
        **penalties.SPACE,
        "last_slope": Real(1.0, low=1.0, high=10.0, log=True),
        "test_gates": Choice("sampled", ("sampled", "threshold")),
    }

    def objective(self, run: Run) -> tuple[Tensor, Pass]:
        def decide(site: Site) -> Decision:
            probability = self._probability(site, run)
            gates = straight_through(bernoulli(probability, run.generator), probability)
            return Decision(gates, probability, gate_grad="exact")

        done = run(decide)
        price = penalties.penalty(done.decisions, run.density, self.settings["lambda_s"], self.settings["lambda_v"])
        return done.mean_loss() + price, done

    def infer(self, run: Run) -> Pass:
        def decide(site: Site) -> Decision:
            probability = self._probability(site, run)
            return Decision(hard_gates(probability, run.generator, self.settings["test_gates"]), probability)

        return run(decide)

    def _probability(self, site: Site, run: Run) -> Tensor:
        return (geometric(1.0, self.settings["last_slope"], run.progress) * site.scores).sigmoid()
