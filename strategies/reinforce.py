"""REINFORCE: the paper's own policy gradient on block gates, and on better founded ones."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from core.architecture import Architecture
from core.parts.baselines import BASELINES, CostPrediction
from core.parts.distributions.bernoulli import Bernoulli
from core.parts.distributions.distribution import GateDistribution
from core.parts.drawn import DrawnStrategy, space
from core.parts.estimators.score_function import ScoreFunction
from core.parts.penalised import ENTROPY_FLOOR, PENALTIES
from core.space import Choice, Domain, Integer, PerLayer, Real, only_where
from core.strategy import Batch, Family, Pass


class Reinforce(DrawnStrategy):
    """Draw gates from a policy; reinforce those that came with a low loss.

    The network learns by backpropagation through the drawn gates; the gaters by ``(C - baseline) grad log pi(g | h)``
    with the cost ``C = -log P(y | x)`` of each example (paper, section 3.1), and by what keeps the budget. Unbiased,
    but for the baseline ``batch_minimum``.

    ``gates`` is ``exactly_k``, ``bernoulli`` as in the paper, or ``tree``. The ``baseline`` is ``samples``, the mean
    cost of the same example's other samples (RLOO), or another one of :func:`core.parts.baselines.baseline`, of which
    ``none`` is the paper's text and ``batch_minimum`` the authors' code, or ``learned``: a linear prediction of the
    cost from the input, trained by least squares. ``entropy`` is the reward for undecided policies, per nat and block;
    below 0 it is a price on them. ``entropy_floor`` pays as much as it takes to keep so much of it.

    ``layer_densities`` are targets of layers, as of the paper's networks for SVHN; 0 is that of the batch, which should
    be the layers' mean, weighted by their blocks: it is what budgets are about, and where the gaters' biases start.
    ``probability_floor`` is the least probability of a Bernoulli gate to be open, and to be closed. ``penalties`` are
    the paper's, or its ``code``'s: :func:`core.parts.penalties.code_penalty`.
    """

    source: ClassVar[str] = (
        "Bengio et al. 2015, section 3; Williams 1992; Kool et al. 2019; exactly k: arXiv 1903.06059"
    )
    family: ClassVar[Family] = "policy gradient"
    needs = frozenset({"samples"})
    space: ClassVar[Mapping[str, Domain]] = {
        **space(
            "exactly_k",
            "bernoulli",
            "tree",
            balance=Real(3.0, low=1e-3, high=10.0, log=True, or_zero=True, search=(0.3, 10.0)),
        ),
        "baseline": Choice("samples", (*BASELINES, "learned"), searched=False),
        "samples": Integer(4, low=2, high=64, search=(2, 6), when={"baseline": ("samples",)}),
        **only_where(
            {
                "probability_floor": Real(0.0, low=0.0, high=0.25, searched=False),
                "penalties": PENALTIES,
                "layer_densities": PerLayer(0.0, low=1e-3, high=1.0, or_zero=True, searched=False),
            },
            {"gates": ("bernoulli",)},
        ),
        "entropy": Real(0.0, low=-10.0, high=10.0, log=True, search=(0.0001, 0.1)),
        "entropy_floor": ENTROPY_FLOOR,
    }

    def __init__(self, architecture: Architecture, settings: Mapping[str, Any], generator: torch.Generator) -> None:
        super().__init__(architecture, settings, generator)
        self.predicted_cost: CostPrediction | None = None
        if self.settings["baseline"] == "learned":
            self.predicted_cost = CostPrediction(architecture.features)

    def distribution(self, density: float) -> GateDistribution:
        if self.settings["gates"] == "bernoulli":
            return Bernoulli(density, floor=self.settings["probability_floor"])
        return super().distribution(density)

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        return self.estimate(
            batch, ScoreFunction(self.settings["baseline"], self.settings["samples"], self.predicted_cost)
        )
