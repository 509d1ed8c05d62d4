"""REINFORCE: the paper's own policy gradient on block gates."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from core.architecture import Architecture
from core.parts.baselines import BASELINES, baseline
from core.parts.bernoulli import SPACE, BernoulliStrategy
from core.parts.gates import bernoulli
from core.space import Choice, Domain, Integer, PerLayer, Real, at_layer
from core.strategy import Batch, Decision, Family, Pass, Site


class Reinforce(BernoulliStrategy):
    """Sample gates from a Bernoulli policy; reinforce those that came with a low loss.

    The network learns by backpropagation through the sampled gates; the gaters by
    ``(C - baseline) grad log pi(g | h)`` with the cost ``C = -log P(y | x)`` of each example (paper, section 3.1), and
    by the penalties. The baseline is one of :func:`core.parts.baselines.baseline`, of which ``none`` is the paper's
    text and ``batch_minimum`` the authors' code, or ``learned``: a linear prediction of the cost from the input,
    trained by least squares. ``entropy`` is the reward for undecided policies, per nat and block; below 0 it is a price
    on them.

    ``layer_densities`` are targets of layers, as of the paper's networks for SVHN; 0 is that of the batch, which should
    be the layers' mean, weighted by their blocks: it is what budgets are about, and where the gaters' biases start.
    """

    source: ClassVar[str] = "Bengio et al. 2015, section 3; Williams 1992"
    family: ClassVar[Family] = "policy gradient"
    needs = frozenset({"samples"})
    space: ClassVar[Mapping[str, Domain]] = {
        **SPACE,
        "baseline": Choice("batch_minimum", (*BASELINES, "learned")),
        "samples": Integer(4, low=2, high=64, search=(2, 6)),
        "entropy": Real(0.0, low=-10.0, high=10.0, log=True, search=(0.0001, 0.1)),
        "layer_densities": PerLayer(0.0, low=1e-3, high=1.0, or_zero=True, searched=False),
    }

    def __init__(self, architecture: Architecture, settings: Mapping[str, Any], generator: torch.Generator) -> None:
        super().__init__(architecture, settings, generator)
        self.predicted_cost: nn.Linear | None = None
        if self.settings["baseline"] == "learned":
            self.predicted_cost = nn.utils.skip_init(nn.Linear, architecture.features, 1)
            nn.init.zeros_(self.predicted_cost.weight)
            nn.init.zeros_(self.predicted_cost.bias)

    def density_of(self, layer: int, batch: Batch) -> float:
        return at_layer(self.settings["layer_densities"], layer) or batch.density

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        log_probabilities: list[Tensor] = []

        def decide(site: Site) -> Decision:
            probability = self.probability(site, batch)
            gates = bernoulli(probability, batch.generator)
            # The policy gradient is the gaters' alone: it does not reach the layers below.
            log_probabilities.append(
                -binary_cross_entropy_with_logits(site.scores_detached, gates, reduction="none").sum(dim=1)
            )
            return Decision(gates, probability)

        kind = self.settings["baseline"]
        done = batch(decide, samples=self.settings["samples"] if kind == "samples" else 1)
        assert done.loss is not None
        cost = done.loss.detach().unflatten(0, (done.samples, -1))
        total = done.mean_loss()
        if self.predicted_cost is None:
            compared_with = baseline(cost, kind)
        else:
            predicted = batch.project(done, self.predicted_cost, layer=0).view_as(cost)
            compared_with = predicted.detach()
            total = total + (predicted - cost).square().mean()
        log_probability = torch.stack(log_probabilities).sum(dim=0).view_as(cost)
        total = total + ((cost - compared_with) * log_probability).mean()
        total = total + self.price(batch, done.decisions)
        return self.with_entropy(total, done.decisions), done
