"""What strategies with independently sampled gates share: penalties, and their gates at test time."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

from torch import Tensor

from core import penalties
from core.gates import bernoulli
from core.space import Choice, Domain
from core.strategy import Decision, Pass, Run, Site, Strategy

SPACE: Mapping[str, Domain] = MappingProxyType(
    {
        **penalties.SPACE,
        "score_gradient": Choice("gater", ("gater", "all")),
        "test_gates": Choice("sampled", ("sampled", "threshold")),
    }
)


class BernoulliStrategy(Strategy):
    """Gates open independently with the sigmoid of the gater's logits; how that is learned is left open.

    A ``space`` of its own must include :data:`SPACE`. At test time gates are ``sampled`` as in the paper, or open where
    the ``threshold`` 1/2 is passed.

    ``score_gradient`` says who learns from the logits: the ``gater`` alone, or ``all`` layers below it too, as in the
    paper's text. In one layer they are the same. In two the penalties' pull on the first layer keeps the second layer's
    gates undecided: on one seed, reinforce with four samples went from 17.4 to 7.1 % without it (two layers of 16x16).
    """

    space: ClassVar[Mapping[str, Domain]] = SPACE

    def probability(self, site: Site, run: Run) -> Tensor:
        """Return the open-probabilities ``[B, blocks]``."""
        return self.scores(site).sigmoid()

    def scores(self, site: Site) -> Tensor:
        """Return the logits ``[B, blocks]``, with the gradient that ``score_gradient`` asks for."""
        return site.scores if self.settings["score_gradient"] == "all" else site.scores_detached

    def price(self, run: Run, decisions: Sequence[Decision]) -> Tensor:
        """Return the paper's penalties at the strategy's weights."""
        return penalties.penalty(decisions, run.density, self.settings["lambda_s"], self.settings["lambda_v"])

    def hard_gates(self, probability: Tensor, run: Run) -> Tensor:
        """Return binary test-time gates."""
        if self.settings["test_gates"] == "sampled":
            return bernoulli(probability, run.generator)
        return (probability > 0.5).to(probability.dtype)

    def infer(self, run: Run) -> Pass:
        def decide(site: Site) -> Decision:
            probability = self.probability(site, run)
            return Decision(self.hard_gates(probability, run), probability)

        return run(decide)
