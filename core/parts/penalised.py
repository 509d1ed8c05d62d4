"""What strategies that keep to the budget by penalties share."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

from torch import Tensor

from core.parts import penalties
from core.parts.anneal import warm_up
from core.space import Choice, Domain, Real, at_layer
from core.strategy import Batch, Decision, Site, Strategy

SPACE: Mapping[str, Domain] = MappingProxyType(
    {
        **penalties.SPACE,
        "penalty_warmup": Real(0.0, low=1e-2, high=1.0, or_zero=True, search=(0.01, 0.5)),
        "score_gradient": Choice("gater", ("gater", "all")),
    }
)
# For strategies that have the setting ``penalties``: the paper's, or as its authors coded them.
PENALTIES = Choice("paper", ("paper", "code"), searched=False)
# For strategies that have the setting ``entropy``: a reward for undecided gates, or, below 0, a price on them.
ENTROPY = Real(0.0, low=-10.0, high=10.0, searched=False)


class PenalisedStrategy(Strategy):
    """The paper's penalties on open-probabilities keep each block, and each example, to its share of open gates.

    A ``space`` of its own must include :data:`SPACE`. The penalties' weights rise from 0 over the first
    ``penalty_warmup`` of training.

    ``lambda_s`` and ``lambda_v`` may be given layer by layer.

    ``score_gradient`` says who learns from the logits: the ``gater`` alone, or ``all`` layers below it too, as in the
    paper's text. In one layer they are the same. In two the penalties' pull on the first layer keeps the second layer's
    gates undecided; docs/studies/sanity.md has the figures.
    """

    space: ClassVar[Mapping[str, Domain]] = SPACE

    def scores(self, site: Site) -> Tensor:
        """Return the logits ``[B, blocks]``, with the gradient that ``score_gradient`` asks for."""
        return site.scores if self.settings["score_gradient"] == "all" else site.scores_detached

    def price(self, batch: Batch, decisions: Sequence[Decision], share: float = 1.0) -> Tensor:
        """Return the paper's penalties at the strategy's weights, for a target of ``share`` of each layer's density."""
        risen = warm_up(batch.progress, self.settings["penalty_warmup"])
        layers = range(len(self.architecture.layers))
        densities = [share * self.density_of(layer, batch) for layer in layers]
        lambda_s, lambda_v = (
            [risen * at_layer(self.settings[name], layer) for layer in layers] for name in ("lambda_s", "lambda_v")
        )
        form = penalties.code_penalty if self.settings.get("penalties") == "code" else penalties.penalty
        return form(decisions, densities, lambda_s, lambda_v)

    def with_entropy(self, objective: Tensor, decisions: Sequence[Decision]) -> Tensor:
        """Return an objective less the setting ``entropy`` times the mean entropy of the gates, in nats per block."""
        reward: float = self.settings["entropy"]
        return objective - reward * penalties.entropy(decisions) if reward else objective

    def unpriced_settings(self) -> Mapping[str, Any]:
        """Return the settings with all penalties and rewards switched off."""
        off = {name: 0.0 for name in ("lambda_s", "lambda_v", "entropy") if name in self.space}
        return {**self.settings, **off}

    def density_of(self, layer: int, batch: Batch) -> float:
        """Return the target share of open blocks of one layer: that of the batch, unless a strategy says otherwise."""
        return batch.density
