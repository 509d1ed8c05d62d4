"""Control: the whole network."""

from typing import ClassVar

from torch import Tensor

from core.parts.gates import open_all
from core.strategy import Batch, Family, Pass, Strategy


class Dense(Strategy):
    """Every block open for every example, and no gater: what gating is measured against."""

    source: ClassVar[str] = "control"
    family: ClassVar[Family] = "control"
    gated: ClassVar[bool] = False

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        done = batch(open_all)
        return done.mean_loss(), done

    def infer(self, batch: Batch) -> Pass:
        return batch(open_all)
