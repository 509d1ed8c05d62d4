"""What strategies share whose gater imitates a teacher that looks at the labels."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, ClassVar

from core.parts import routing
from core.parts.routing import best_blocks
from core.space import Choice, Domain, Real
from core.strategy import Batch, GateRule, Pass, Strategy

# Besides those of routing: the weight of the imitation, and whose gates the network is trained on.
SPACE: Mapping[str, Domain] = MappingProxyType(
    {
        **routing.SPACE,
        "imitation": Real(1.0, low=1e-2, high=10.0, log=True, search=(0.1, 10.0)),
        "network_gates": Choice("student", ("student", "teacher"), searched=False),
    }
)


class ImitationStrategy(Strategy):
    """A student opens the blocks of its highest scores; how its teacher finds better ones is left open.

    A ``space`` of its own must include :data:`SPACE`. With ``network_gates`` ``teacher`` the network is trained on, and
    the objective's pass is of, the teacher's gates.
    """

    space: ClassVar[Mapping[str, Domain]] = SPACE

    def gate_rule(self) -> GateRule | None:
        return GateRule("top")

    def infer(self, batch: Batch) -> Pass:
        return batch(best_blocks(batch))

    def teacher_settings(self) -> Mapping[str, Any] | None:
        return {**self.settings, "network_gates": "teacher"}
