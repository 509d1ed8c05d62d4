"""Control: a dense network of the gated network's cost."""

from typing import ClassVar

from core.architecture import Architecture
from core.network.cost import equal_macs_dense
from core.parts.gates import open_all
from core.parts.unlearned import UnlearnedStrategy
from core.strategy import Batch, Decide, Family


class SmallDense(UnlearnedStrategy):
    """A narrower dense network with the multiply-adds that gating leaves, gater included: the fair rival."""

    source: ClassVar[str] = "control; Bengio et al. 2015, section 4.1 (there without the gater's cost)"
    family: ClassVar[Family] = "control"
    gated: ClassVar[bool] = False

    @classmethod
    def reshape(cls, architecture: Architecture, density: float) -> Architecture:
        return equal_macs_dense(architecture, density)

    def decide(self, batch: Batch) -> Decide:
        return open_all
