"""Control: the whole network."""

from typing import ClassVar

from torch import Tensor

from core.gates import open_all
from core.strategy import Family, Pass, Run, Strategy


class Dense(Strategy):
    """Every block open for every example, and no gater: what gating is measured against."""

    source: ClassVar[str] = "control"
    family: ClassVar[Family] = "control"
    gated: ClassVar[bool] = False

    def objective(self, run: Run) -> tuple[Tensor, Pass]:
        done = run(open_all)
        return done.mean_loss(), done

    def infer(self, run: Run) -> Pass:
        return run(open_all)
