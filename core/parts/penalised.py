"""What strategies that keep to the budget by penalties share."""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, cast

import torch
from torch import Tensor, nn

from core.architecture import Architecture
from core.parts import penalties
from core.parts.anneal import warm_up
from core.parts.controller import DualPrice
from core.space import Choice, Domain, Real, at_layer
from core.strategy import Batch, Decision, Site, Strategy

SPACE: Mapping[str, Domain] = MappingProxyType(
    {
        **penalties.SPACE,
        "penalty_warmup": Real(0.0, low=1e-2, high=1.0, or_zero=True, search=(0.01, 0.5)),
        "density_price_rate": Real(0.05, low=1e-4, high=10.0, or_zero=True, searched=False),
        "score_gradient": Choice("gater", ("gater", "all")),
        "centred_scores": Choice("deep", ("never", "deep", "always"), searched=False),
    }
)
# For strategies that have the setting ``penalties``: the paper's, or as its authors coded them.
PENALTIES = Choice("paper", ("paper", "code"), searched=False)
# For strategies that have the setting ``entropy``: a reward for undecided gates, or, below 0, a price on them.
ENTROPY = Real(0.0, low=-10.0, high=10.0, searched=False)
# Beside that setting: the mean entropy of the gates, in nats per block, that is not fallen below.
ENTROPY_FLOOR = Real(0.0, low=1e-3, high=10.0, or_zero=True, searched=False)
# How fast the price of a floor follows.
ENTROPY_RATE = 0.1


class PenalisedStrategy(Strategy):
    """The paper's penalties on open-probabilities keep each block, and each example, to its share of open gates.

    A ``space`` of its own must include :data:`SPACE`. The penalties' weights rise from 0 over the first
    ``penalty_warmup`` of training.

    Fixed weights do not say which density they lead to. So each layer has a price besides, on its share of open gates
    over the target: once the weights have risen it follows dual ascent on what training opens, at
    ``density_price_rate``, and below 0 pays for opening. At 0 the penalties are left alone, as in the paper.

    ``lambda_s`` and ``lambda_v`` may be given layer by layer.

    Where a strategy has the setting ``entropy_floor``, the mean entropy of its gates is paid a price, at least 0, which
    follows dual ascent on what is missing to the floor, as SAC's temperature does (Haarnoja et al. 2018b, arXiv
    1812.05905, section 5): no more is paid for undecided gates than the floor takes. 0 is no floor.

    ``score_gradient`` says who learns from the logits: the ``gater`` alone, or ``all`` layers below it too, as in the
    paper's text. In one layer they are the same. In two the penalties' pull on the first layer keeps the second layer's
    gates undecided; docs/studies/sanity.md has the figures.

    ``centred_scores`` takes from the gaters' weights their mean over blocks: ``never``, ``always``, or in ``deep``
    networks, those of more than one gated layer. Without it the first of two layers closes as a whole for many
    examples; docs/concepts/depth.md has the figures.
    """

    space: ClassVar[Mapping[str, Domain]] = SPACE

    def __init__(self, architecture: Architecture, settings: Mapping[str, Any], generator: torch.Generator) -> None:
        super().__init__(architecture, settings, generator)
        rate = self.settings["density_price_rate"]
        self.density_prices = nn.ModuleList(DualPrice(rate, lowest=-math.inf) for _ in architecture.layers)
        self.entropy_price = DualPrice(ENTROPY_RATE) if self.settings.get("entropy_floor") else None

    @classmethod
    def impossible(
        cls, architecture: Architecture, settings: Mapping[str, Any], density: float, tolerance: float
    ) -> str | None:
        floor, most = settings.get("entropy_floor", 0.0), cls.most_entropy(architecture, settings, density)
        if floor > most:
            return (
                f"entropy_floor {floor:g} is more than gates of density {density:.3g} have at the most: {most:.3g} nats"
            )
        return None

    @classmethod
    def most_entropy(cls, architecture: Architecture, settings: Mapping[str, Any], density: float) -> float:
        """Return the greatest mean entropy, in nats per block, of gates that are open at the layers' densities."""
        targets = [density_at(settings, layer, density) for layer in range(len(architecture.layers))]
        blocks = torch.tensor([float(layer.blocks) for layer in architecture.layers])
        return float((blocks * penalties.bernoulli_entropy(torch.tensor(targets))).sum() / blocks.sum())

    def centres_scores(self) -> bool:
        centred = self.settings["centred_scores"]
        return bool(centred == "always" or (centred == "deep" and len(self.architecture.layers) > 1))

    def scores(self, site: Site) -> Tensor:
        """Return the logits ``[B, blocks]``, with the gradient that ``score_gradient`` asks for."""
        return site.scores if self.settings["score_gradient"] == "all" else site.scores_detached

    def price(
        self,
        batch: Batch,
        decisions: Sequence[Decision],
        share: float = 1.0,
        opened: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """Return what keeps the budget: the paper's penalties at the strategy's weights, and the controlled prices.

        In training it also moves those prices.

        Args:
            batch: that was decided for.
            decisions: from layer to layer, and from pass to pass, with their open-probabilities.
            share: of each layer's density that each of them should open.
            opened: per decision, the gates ``[rows, blocks]`` that count as open where they are not 0; those of the
                decision if None. Relaxed gates are never 0.
        """
        risen = warm_up(batch.progress, self.settings["penalty_warmup"])
        layers = range(len(self.architecture.layers))
        densities = [share * self.density_of(layer, batch) for layer in layers]
        lambda_s, lambda_v = (
            [risen * at_layer(self.settings[name], layer) for layer in layers] for name in ("lambda_s", "lambda_v")
        )
        form = penalties.code_penalty if self.settings.get("penalties") == "code" else penalties.penalty
        fixed = form(decisions, densities, lambda_s, lambda_v)
        if not self.settings["density_price_rate"] or risen < 1:
            return fixed
        gates = [decision.gates for decision in decisions] if opened is None else opened
        return fixed + self._controlled(decisions, gates, densities)

    def with_entropy(self, objective: Tensor, entropy: Tensor) -> Tensor:
        """Return an objective less what a mean entropy earns: the setting ``entropy`` per nat, and the floor's price.

        In training it also moves that price.
        """
        reward: float = self.settings["entropy"]
        if reward:
            objective = objective - reward * entropy
        if self.entropy_price is not None:
            floor: float = self.settings["entropy_floor"]
            objective = objective - self.entropy_price.value * entropy
            # What is missing to twice the floor is more than the floor where entropy is below it.
            self.entropy_price.update(2 * floor - entropy, floor)
        return objective

    def unpriced_settings(self) -> Mapping[str, Any]:
        """Return the settings with all penalties and rewards switched off."""
        names = ("lambda_s", "lambda_v", "density_price_rate", "entropy", "entropy_floor")
        return {**self.settings, **{name: 0.0 for name in names if name in self.space}}

    def density_of(self, layer: int, batch: Batch) -> float:
        """Return the target share of open blocks of one layer."""
        return density_at(self.settings, layer, batch.density)

    def _controlled(self, decisions: Sequence[Decision], gates: Sequence[Tensor], densities: Sequence[float]) -> Tensor:
        """Return ``sum_l price_l (mean p_l / tau_l - 1)``, and move the prices after what the gates have opened."""
        total = torch.zeros(())
        layers = len(densities)
        for layer, (density, each) in enumerate(zip(densities, self.density_prices, strict=True)):
            price = cast(DualPrice, each)
            probability = torch.cat([d.probability for d in decisions[layer::layers] if d.probability is not None])
            is_open = torch.cat([(gate != 0).to(probability.dtype) for gate in gates[layer::layers]])
            total = total + price.value * (probability.mean() / density - 1)
            price.update(is_open.mean(), density)
        return total


def density_at(settings: Mapping[str, Any], layer: int, density: float) -> float:
    """Return the target share of open blocks of one layer: its own, where settings have ``layer_densities``.

    >>> density_at({"layer_densities": [0.25, 0.0]}, 0, 0.125), density_at({}, 1, 0.125)
    (0.25, 0.125)
    """
    return at_layer(settings.get("layer_densities", 0.0), layer) or density
