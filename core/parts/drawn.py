"""What strategies share whose gates are drawn from a distribution that a setting names, whatever the estimator."""

from collections.abc import Mapping
from statistics import fmean
from typing import Any, ClassVar, cast

import torch
from torch import Tensor

from core.architecture import Architecture
from core.parts import penalised, penalties
from core.parts.distributions.discrete import DISCRETE
from core.parts.distributions.distribution import GateDistribution, TestGates
from core.parts.estimators.estimator import Estimate, Estimator, Policy
from core.parts.penalised import PenalisedStrategy
from core.parts.thresholds import Thresholds
from core.space import Choice, Domain, Real, only_where
from core.strategy import Batch, Decision, GateRule, Pass, Site

_BALANCE = Real(1.0, low=1e-3, high=10.0, log=True, or_zero=True, search=(0.1, 10.0))


def space(default: str, *others: str, balance: Real = _BALANCE) -> Mapping[str, Domain]:
    """Return the settings of strategies whose gates are ``default`` unless told otherwise.

    What keeps the budget matters where gates are priced; ``balance`` where they are not, if any are not.

    Args:
        default: a name in :data:`core.parts.distributions.discrete.DISCRETE`.
        others: what the gates may be besides.
        balance: the weight of the load imbalance, for gates that are not priced.
    """
    names = (default, *others)
    priced = tuple(name for name in names if DISCRETE[name].priced)
    unpriced = tuple(name for name in names if not DISCRETE[name].priced)
    learning = {"score_gradient": penalised.SPACE["score_gradient"]}
    price = {name: domain for name, domain in penalised.SPACE.items() if name not in learning}
    return {
        "gates": Choice(default, names, searched=False),
        **(only_where(price, {"gates": priced}) if unpriced else price),
        **learning,
        **(only_where({"balance": balance}, {"gates": unpriced}) if unpriced else {}),
        "test_gates": Choice("usual", ("usual", "sampled", "threshold", "calibrated"), searched=False),
    }


class DrawnStrategy(PenalisedStrategy):
    """Gates are drawn from a distribution given the gater's scores; how it is learned is an estimator's business.

    A ``space`` of its own must be made of :func:`space`. ``gates`` names the distribution: ``bernoulli`` ones open
    independently and are kept to the budget by the penalties; ``exactly_k`` and ``tree`` keep to it by construction,
    and ``balance`` weighs how unevenly they use the blocks.

    At test time gates are ``sampled``, as in the paper; or set where the ``threshold`` of being likelier open than
    closed is passed, or among the k highest; or ``calibrated``: the likeliest, as many as the budget allows, which
    ``bernoulli`` ones know from validation, and the others anyway. ``usual`` is ``calibrated`` for ``bernoulli``, and
    ``threshold`` for the others.
    """

    space: ClassVar[Mapping[str, Domain]] = space("bernoulli", "exactly_k", "tree")

    def __init__(self, architecture: Architecture, settings: Mapping[str, Any], generator: torch.Generator) -> None:
        super().__init__(architecture, settings, generator)
        # A tree's scores are of nodes. The class attribute is that of the default gates.
        gates = DISCRETE[self.settings["gates"]]
        self.scores_blocks = gates.scores_blocks  # type: ignore[misc]
        self.thresholds: Thresholds | None = None
        if gates.priced and self._test_gates == "calibrated":
            # Until it is calibrated, open where that is likelier than closed.
            self.thresholds = Thresholds(len(architecture.layers), 0.0, self.settings.get("layer_densities", 0.0))

    @classmethod
    def impossible(
        cls, architecture: Architecture, settings: Mapping[str, Any], density: float, tolerance: float
    ) -> str | None:
        of_gates = DISCRETE[settings["gates"]].impossible(architecture, density, tolerance)
        return of_gates or super().impossible(architecture, settings, density, tolerance)

    @classmethod
    def most_entropy(cls, architecture: Architecture, settings: Mapping[str, Any], density: float) -> float:
        gates = DISCRETE[settings["gates"]]
        if gates.priced:
            return super().most_entropy(architecture, settings, density)
        return fmean(gates(density).most_entropy(layer.blocks) for layer in architecture.layers)

    def centres_scores(self) -> bool:
        # Gates that keep to the budget by construction ask which scores are highest; a tree's are not of blocks.
        return DISCRETE[self.settings["gates"]].priced and super().centres_scores()

    def distribution(self, density: float) -> GateDistribution:
        """Return the distribution of gates for a target share of open blocks."""
        return DISCRETE[self.settings["gates"]](density)

    def initial_bias(self, density: float) -> float:
        return self.distribution(density).initial_bias()

    def scale(self, batch: Batch) -> float:
        """Return what the scores are multiplied by: 1, unless a strategy anneals a slope."""
        return 1.0

    def last_scale(self) -> float:
        """Return what the scores are multiplied by at test time."""
        return 1.0

    def estimate(self, batch: Batch, estimator: Estimator) -> tuple[Tensor, Pass]:
        """Return an estimator's objective with what keeps the budget, and the pass to log."""
        scale = self.scale(batch)
        policy = Policy(
            self.distribution(batch.density),
            lambda site: _scaled(self.scores(site), scale),
            lambda site: _scaled(site.scores_detached, scale),
        )
        found = estimator.estimate(batch, policy)
        return self._kept(batch, policy.distribution, found), found.done

    def gate_rule(self) -> GateRule | None:
        if self.thresholds is not None:
            return GateRule("threshold", thresholds=tuple(self.thresholds.values.tolist()))
        # A rule does not depend on the density.
        return self.distribution(1.0).rule(self._test_gates, self.last_scale())

    def estimator_settings(self) -> Mapping[str, Any] | None:
        return {**self.unpriced_settings(), **({"balance": 0.0} if "balance" in self.space else {})}

    def infer(self, batch: Batch) -> Pass:
        distribution, scale = self.distribution(batch.density), self.scale(batch)

        def decide(site: Site) -> Decision:
            if self.thresholds is not None:
                gates = self.thresholds.exceeded(site, site.scores).to(site.scores.dtype)
            else:
                gates = distribution.test_gates(site, batch.generator, self._test_gates, scale)
            # A tree asks for the scores of few nodes, and has no open-probabilities.
            priced = distribution.priced
            return Decision(gates, distribution.probability(scale * site.scores) if priced else None)

        return batch(decide)

    @property
    def _test_gates(self) -> TestGates:
        how: str = self.settings["test_gates"]
        usual = DISCRETE[self.settings["gates"]].usual_test_gates
        return usual if how == "usual" else cast(TestGates, how)

    def _kept(self, batch: Batch, distribution: GateDistribution, found: Estimate) -> Tensor:
        rewarded = "entropy" in self.settings
        if distribution.priced:
            decisions = found.done.decisions
            total = found.objective + self.price(batch, decisions, opened=found.gates)
            return self.with_entropy(total, penalties.entropy(decisions)) if rewarded else total
        layers = zip(found.scores, found.gates, strict=True)
        balance: float = self.settings["balance"]
        total = found.objective
        if balance:
            total = total + balance * torch.stack([distribution.imbalance(*layer) for layer in layers]).sum()
        if not rewarded:
            return total
        return self.with_entropy(total, torch.stack([distribution.entropy(at).mean() for at in found.scores]).mean())


def _scaled(scores: Tensor, scale: float) -> Tensor:
    return scores if scale == 1 else scale * scores
