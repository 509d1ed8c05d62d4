"""Straight-through: pretend that sampling was the identity; with its corrections."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from torch import Tensor

from core.parts.anneal import geometric
from core.parts.drawn import DrawnStrategy, space
from core.parts.estimators import straight_through
from core.parts.estimators.gapped import Gapped
from core.parts.estimators.reinmax import ReinMax
from core.parts.estimators.sparse_mixer import SparseMixer
from core.parts.penalised import ENTROPY, ENTROPY_FLOOR
from core.space import Choice, Domain, Real
from core.strategy import Batch, Family, Pass

CORRECTIONS: Mapping[str, straight_through.Correction] = MappingProxyType(
    {"plain": straight_through.Plain(), "reinmax": ReinMax(), "gapped": Gapped(), "sparse_mixer": SparseMixer()}
)


class StraightThrough(DrawnStrategy):
    """Draw hard gates, and send their gradient to their probability as if sampling were the identity.

    Biased, of low variance. ``dL/dp := dL/dg``, for closed gates too: training computes every block to know what a
    closed one would have changed. ``correction`` says what the gates stand for instead: ``reinmax`` and ``gapped``
    correct the gradient, ``sparse_mixer`` has one from the open gates alone, so that closed blocks are skipped.

    Scores are multiplied by a slope that rises in training from 1 to ``last_slope`` (Chung et al. 2016, section 3.2),
    which makes the gates more decided; 1 leaves it alone. ``entropy`` is the reward for undecided gates, per nat and
    block; below 0 it is a price on them. ``entropy_floor`` pays as much as it takes to keep so much of it.
    ``train_gates`` ``threshold`` trains without gate noise: on the likeliest gates.
    """

    source: ClassVar[str] = (
        "Bengio, Leonard and Courville 2013, arXiv 1308.3432; slopes: Chung et al. 2016; ReinMax: arXiv 2304.08612; "
        "gapped: arXiv 2206.07235; SparseMixer: arXiv 2310.00811"
    )
    family: ClassVar[Family] = "relaxation"
    space: ClassVar[Mapping[str, Domain]] = {
        **space("bernoulli", "exactly_k", "tree"),
        "correction": Choice("plain", tuple(CORRECTIONS), searched=False),
        "last_slope": Real(1.0, low=1.0, high=10.0, log=True, search=(1.0, 5.0)),
        "entropy": ENTROPY,
        "entropy_floor": ENTROPY_FLOOR,
        "train_gates": Choice("sampled", ("sampled", "threshold"), searched=False),
    }

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        correction = CORRECTIONS[self.settings["correction"]]
        sampled = self.settings["train_gates"] == "sampled"
        return self.estimate(batch, straight_through.StraightThrough(correction, sampled=sampled))

    def last_scale(self) -> float:
        return float(self.settings["last_slope"])

    def scale(self, batch: Batch) -> float:
        return geometric(1.0, self.settings["last_slope"], batch.progress)
