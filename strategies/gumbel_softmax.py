"""Gumbel-softmax for binary gates: the binary concrete distribution."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from core.parts.anneal import geometric
from core.parts.bernoulli import SPACE, BernoulliStrategy
from core.parts.gates import logistic_like, straight_through
from core.space import Choice, Domain, Real
from core.strategy import Batch, Decision, Family, Pass, Site


class GumbelSoftmax(BernoulliStrategy):
    """Relax sampling: a sigmoid of logit plus logistic noise, over a temperature that falls in training.

    ``s = sigmoid((logit + logit(u)) / T)``, ``u`` uniform: ``s > 1/2`` has exactly the open-probability. ``soft`` gates
    are ``s`` itself in training, so that every block is computed; ``hard`` ones are ``s > 1/2`` with the gradient of
    ``s``. Test gates are hard in both.
    """

    source: ClassVar[str] = "Maddison et al. 2017, arXiv 1611.00712; Jang et al. 2017, arXiv 1611.01144"
    family: ClassVar[Family] = "relaxation"
    space: ClassVar[Mapping[str, Domain]] = {
        **SPACE,
        "mode": Choice("hard", ("hard", "soft")),
        "first_temperature": Real(1.0, low=0.1, high=5.0, log=True, search=(0.5, 3.0)),
        "last_temperature": Real(0.5, low=0.05, high=5.0, log=True, search=(0.1, 1.0)),
    }

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        temperature = geometric(self.settings["first_temperature"], self.settings["last_temperature"], batch.progress)

        def decide(site: Site) -> Decision:
            logits = self.scores(site)
            relaxed = ((logits + logistic_like(logits, batch.generator)) / temperature).sigmoid()
            probability = self.probability(site, batch)
            if self.settings["mode"] == "soft":
                return Decision(relaxed, probability)
            hard = (relaxed > 0.5).to(relaxed.dtype)
            return Decision(straight_through(hard, relaxed), probability, gate_grad="exact")

        done = batch(decide)
        return done.mean_loss() + self.price(batch, done.decisions), done
