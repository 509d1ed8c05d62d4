"""Straight-through: pretend that sampling was the identity."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from core.parts.anneal import geometric
from core.parts.bernoulli import SPACE, BernoulliStrategy
from core.parts.gates import bernoulli, likely, straight_through
from core.parts.penalised import ENTROPY
from core.space import Choice, Domain, Real
from core.strategy import Batch, Decision, Family, GateRule, Pass, Site


class StraightThrough(BernoulliStrategy):
    """Sample hard gates, and send their gradient to the open-probability as if sampling were the identity.

    ``dL/dp := dL/dg``, for closed gates too: training computes every block to know what a closed one would have
    changed. Biased, of low variance. ``p = sigmoid(slope * logit)``, and the slope rises in training from 1 to
    ``last_slope`` (Chung et al. 2016, section 3.2), which makes the gates more decided; 1 leaves it alone.

    ``entropy`` is the reward for undecided gates, per nat and block; below 0 it is a price on them. ``train_gates``
    ``threshold`` trains without gate noise: on gates that are open where ``p > 1/2``.
    """

    source: ClassVar[str] = "Bengio, Leonard and Courville 2013, arXiv 1308.3432; slopes: Chung et al. 2016"
    family: ClassVar[Family] = "relaxation"
    space: ClassVar[Mapping[str, Domain]] = {
        **SPACE,
        "last_slope": Real(1.0, low=1.0, high=10.0, log=True, search=(1.0, 5.0)),
        "entropy": ENTROPY,
        "train_gates": Choice("sampled", ("sampled", "threshold"), searched=False),
    }

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        def decide(site: Site) -> Decision:
            probability = self.probability(site, batch)
            sampled = self.settings["train_gates"] == "sampled"
            hard = bernoulli(probability, batch.generator) if sampled else likely(probability)
            return Decision(straight_through(hard, probability), probability, gate_grad="exact")

        done = batch(decide)
        return self.with_entropy(done.mean_loss() + self.price(batch, done.decisions), done.decisions), done

    def gate_rule(self) -> GateRule | None:
        return GateRule(self.settings["test_gates"], scale=self.settings["last_slope"])

    def probability(self, site: Site, batch: Batch) -> Tensor:
        return (geometric(1.0, self.settings["last_slope"], batch.progress) * self.scores(site)).sigmoid()
