"""Control: the whole network."""

from typing import ClassVar

from core.parts.gates import open_all
from core.parts.unlearned import UnlearnedStrategy
from core.strategy import Batch, Decide, Family


class Dense(UnlearnedStrategy):
    """Every block open for every example, and no gater: what gating is measured against."""

    source: ClassVar[str] = "control"
    family: ClassVar[Family] = "control"
    gated: ClassVar[bool] = False

    def decide(self, batch: Batch) -> Decide:
        return open_all
