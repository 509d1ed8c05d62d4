"""What strategies with independently sampled gates share: their gates at test time."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from torch import Tensor

from core.parts import penalised
from core.parts.gates import bernoulli, likely
from core.parts.penalised import PenalisedStrategy
from core.space import Choice, Domain
from core.strategy import Batch, Decision, GateRule, Pass, Site

SPACE: Mapping[str, Domain] = MappingProxyType(
    {**penalised.SPACE, "test_gates": Choice("sampled", ("sampled", "threshold"))}
)


class BernoulliStrategy(PenalisedStrategy):
    """Gates open independently with the sigmoid of the gater's logits; how that is learned is left open.

    A ``space`` of its own must include :data:`SPACE`. At test time gates are ``sampled`` as in the paper, or open where
    the ``threshold`` 1/2 is passed.
    """

    space: ClassVar[Mapping[str, Domain]] = SPACE

    def probability(self, site: Site, batch: Batch) -> Tensor:
        """Return the open-probabilities ``[B, blocks]``."""
        return self.scores(site).sigmoid()

    def hard_gates(self, probability: Tensor, batch: Batch) -> Tensor:
        """Return binary test-time gates."""
        if self.settings["test_gates"] == "sampled":
            return bernoulli(probability, batch.generator)
        return likely(probability)

    def gate_rule(self) -> GateRule | None:
        return GateRule(self.settings["test_gates"])

    def estimator_settings(self) -> Mapping[str, Any] | None:
        return self.unpriced_settings()

    def infer(self, batch: Batch) -> Pass:
        def decide(site: Site) -> Decision:
            probability = self.probability(site, batch)
            return Decision(self.hard_gates(probability, batch), probability)

        return batch(decide)
