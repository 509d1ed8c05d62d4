"""Control: a dense network of the gated network's cost."""

from typing import ClassVar

from torch import Tensor

from core.architecture import Architecture
from core.network.cost import equal_macs_dense
from core.parts.gates import open_all
from core.strategy import Batch, Family, Pass, Strategy


class SmallDense(Strategy):
    """A narrower dense network with the multiply-adds that gating leaves, gater included: the fair rival."""

    source: ClassVar[str] = "control; Bengio et al. 2015, section 4.1 (there without the gater's cost)"
    family: ClassVar[Family] = "control"
    gated: ClassVar[bool] = False

    @classmethod
    def reshape(cls, architecture: Architecture, density: float) -> Architecture:
        return equal_macs_dense(architecture, density)

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        done = batch(open_all)
        return done.mean_loss(), done

    def infer(self, batch: Batch) -> Pass:
        return batch(open_all)
