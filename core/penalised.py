"""What strategies that keep to the budget by penalties share."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar

from torch import Tensor

from core import penalties
from core.anneal import warm_up
from core.space import Choice, Domain, Real
from core.strategy import Decision, Run, Site, Strategy

SPACE: Mapping[str, Domain] = MappingProxyType(
    {
        **penalties.SPACE,
        "penalty_warmup": Real(0.0, low=1e-2, high=1.0, or_zero=True, search=(0.01, 0.5)),
        "score_gradient": Choice("gater", ("gater", "all")),
    }
)


class PenalisedStrategy(Strategy):
    """The paper's penalties on open-probabilities keep each block, and each example, to its share of open gates.

    A ``space`` of its own must include :data:`SPACE`. The penalties' weights rise from 0 over the first
    ``penalty_warmup`` of training.

    ``score_gradient`` says who learns from the logits: the ``gater`` alone, or ``all`` layers below it too, as in the
    paper's text. In one layer they are the same. In two the penalties' pull on the first layer keeps the second layer's
    gates undecided; docs/studies/sanity.md has the figures.
    """

    space: ClassVar[Mapping[str, Domain]] = SPACE

    def scores(self, site: Site) -> Tensor:
        """Return the logits ``[B, blocks]``, with the gradient that ``score_gradient`` asks for."""
        return site.scores if self.settings["score_gradient"] == "all" else site.scores_detached

    def price(self, run: Run, decisions: Sequence[Decision], share: float = 1.0) -> Tensor:
        """Return the paper's penalties at the strategy's weights, for a target of ``share`` of the run's density."""
        risen = warm_up(run.progress, self.settings["penalty_warmup"])
        weights = (risen * self.settings[name] for name in ("lambda_s", "lambda_v"))
        return penalties.penalty(decisions, share * run.density, *weights)
