"""DisARM: pairs of antithetic samples, with the noise of their uniforms integrated out."""

from collections.abc import Mapping
from typing import ClassVar

from torch import Tensor

from core.parts.drawn import DrawnStrategy, space
from core.parts.estimators.antithetic import Antithetic
from core.space import Domain
from core.strategy import Batch, Family, Pass


class Disarm(DrawnStrategy):
    """Run an antithetic pair of samples per layer, and credit the gates in which the two differ.

    Unbiased in any number of layers: each layer's pair has the same gates below it, and gates of its own above. With L
    layers there are L + 1 passes in training.
    """

    source: ClassVar[str] = "Dong, Mnih and Tucker 2020, arXiv 2006.10680; Yin and Zhou 2019"
    family: ClassVar[Family] = "policy gradient"
    needs = frozenset({"samples"})
    space: ClassVar[Mapping[str, Domain]] = space("bernoulli")

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        return self.estimate(batch, Antithetic())
