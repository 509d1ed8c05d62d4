"""Top-p routing: as many blocks as it takes to be sure enough."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from core.architecture import Architecture
from core.parts.anneal import linear
from core.parts.distributions.top_p import top_p_blocks
from core.parts.gates import normal_like
from core.parts.least_one import LeastOneStrategy
from core.parts.penalties import load_imbalance
from core.parts.routing import SPACE, open_gates
from core.space import Choice, Domain, Real
from core.strategy import Batch, Decision, Family, Pass, Site


class TopP(LeastOneStrategy):
    """Open the fewest blocks whose softmax probabilities sum to p: more of them for inputs that it is unsure of.

    Each layer's p is controlled in training: its log odds move by ``step`` times the relative difference of the target
    and the realised share of open blocks, so that the budget is kept in the mean over examples. Gates, noise and
    ``balance`` are those of ``top_k``.
    """

    source: ClassVar[str] = "Huang et al. 2024, arXiv 2403.07652"
    family: ClassVar[Family] = "routing"
    space: ClassVar[Mapping[str, Domain]] = {
        "gates": Choice("binary", ("binary", "weighted")),
        **SPACE,
        "step": Real(0.05, low=1e-3, high=1.0, log=True, searched=False),
    }

    def __init__(self, architecture: Architecture, settings: Mapping[str, Any], generator: torch.Generator) -> None:
        super().__init__(architecture, settings, generator)
        # Not before the first batch, because the target is not known here: at equal scores, p is the share of blocks.
        self.register_buffer("log_odds", torch.full((len(architecture.layers),), torch.nan))
        self.log_odds: Tensor

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        if bool(self.log_odds.isnan().any()):
            self.log_odds.fill_(torch.logit(torch.tensor(min(batch.density, 0.99))).item())
        noise = linear(self.settings["noise"], 0.0, batch.progress)
        imbalance: list[Tensor] = []

        def decide(site: Site) -> Decision:
            noisy = site.scores + noise * normal_like(site.scores, batch.generator)
            chosen = self._chosen(noisy, site)
            imbalance.append(load_imbalance(site.scores, chosen))
            return Decision(open_gates(noisy, chosen, weighted=self._weighted))

        done = batch(decide)
        with torch.no_grad():
            realised = torch.stack([gates.mean() for gates in done.executed])
            self.log_odds += self.settings["step"] * (1 - realised / batch.density).clamp(-1, 1)
        return done.mean_loss() + self.settings["balance"] * torch.stack(imbalance).sum(), done

    def infer(self, batch: Batch) -> Pass:
        def decide(site: Site) -> Decision:
            return Decision(open_gates(site.scores, self._chosen(site.scores, site), weighted=self._weighted))

        return batch(decide)

    def _chosen(self, scores: Tensor, site: Site) -> Tensor:
        return top_p_blocks(scores.detach(), self.log_odds[site.index].sigmoid())

    @property
    def _weighted(self) -> bool:
        return bool(self.settings["gates"] == "weighted")
