"""ReMoE: routing by ReLU, with a price that adapts to the budget."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from core.architecture import Architecture
from core.parts.distributions.relu import relu_gates
from core.space import Choice, Domain, Real
from core.strategy import Batch, Decision, Family, Pass, Site, Strategy


class ReMoE(Strategy):
    """Gates are the positive part of the scores; a price on their sum rises and falls until the budget is kept.

    The price is ``lambda mean_l mean_i sum_j f_j g_ij``, with f_j block j's share of all open gates times the number of
    blocks over tau, which balances the load. After each batch ``lambda`` is multiplied by ``rate`` if more than a share
    tau of the gates was open, and else divided by it (Wang et al. 2024, equations 5 to 8). Fully differentiable: no
    noise, and the same gates at test time.
    """

    source: ClassVar[str] = "Wang, Zhu and Chen 2024, arXiv 2412.14711"
    family: ClassVar[Family] = "relaxation"
    space: ClassVar[Mapping[str, Domain]] = {
        "first_price": Real(1e-8, low=1e-12, high=1.0, log=True, searched=False),
        "rate": Real(1.2, low=1.001, high=2.0, log=True, search=(1.02, 1.5)),
        "score_gradient": Choice("all", ("gater", "all")),
    }

    def __init__(self, architecture: Architecture, settings: Mapping[str, Any], generator: torch.Generator) -> None:
        super().__init__(architecture, settings, generator)
        self.register_buffer("log_price", torch.tensor(self.settings["first_price"]).log())
        self.log_price: Tensor

    def initial_bias(self, density: float) -> float:
        """Half of the gates are open at the start, as in the paper: every block learns before the price rises."""
        return 0.0

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        done = batch(self._decide)
        price = self.log_price.exp()
        cost = torch.stack([self._sum(decision.gates, batch.density) for decision in done.decisions]).mean()
        with torch.no_grad():
            open_blocks = torch.cat([(decision.gates > 0).to(cost.dtype) for decision in done.decisions], dim=1).mean()
            rate = torch.tensor(self.settings["rate"]).log().item()
            self.log_price += rate if open_blocks > batch.density else -rate
        return done.mean_loss() + price * cost, done

    def infer(self, batch: Batch) -> Pass:
        return batch(self._decide)

    def _decide(self, site: Site) -> Decision:
        scores = site.scores if self.settings["score_gradient"] == "all" else site.scores_detached
        # A layer can be fully closed: what is likeliest then is the highest score.
        return Decision(relu_gates(scores), scores.detach().sigmoid())

    @staticmethod
    def _sum(gates: Tensor, density: float) -> Tensor:
        """The mean over examples of the gates' sum, each weighed by how often its block is open, over tau."""
        share = (gates > 0).to(gates.dtype).mean(dim=0) / density
        return (share * gates).sum(dim=1).mean()
