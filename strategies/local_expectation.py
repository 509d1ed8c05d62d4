"""Local expectation gradients: Rao-Blackwellised by trying every value of every gate."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from core.parts.drawn import DrawnStrategy, space
from core.parts.estimators.local_expectation import LocalExpectation as Estimator
from core.space import Domain
from core.strategy import Batch, Family, Pass


class LocalExpectation(DrawnStrategy):
    """Draw all gates, then take the exact expectation over each one given all others, by flipping it.

    Unbiased in any number of layers: what a flip would have changed in later layers' gates enters by their probability
    under it (their Markov blanket). In the last layer flips are cheap; in each earlier one they are as many passes as
    it has blocks. With ``tree`` gates every leaf is tried, so that one layer's gradient is exact.
    """

    source: ClassVar[str] = "Titsias and Lazaro-Gredilla 2015"
    family: ClassVar[Family] = "policy gradient"
    needs = frozenset({"flips", "samples"})
    space: ClassVar[Mapping[str, Domain]] = space("bernoulli", "tree")

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        return self.estimate(batch, Estimator())
