"""Local search: a teacher climbs from the student's gates by swapping blocks, and the student imitates it."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

import torch
from torch import Tensor

from core.parts.anneal import linear
from core.parts.gates import budget, explicit, normal_like, top_blocks
from core.parts.imitation import SPACE, ImitationStrategy
from core.parts.penalties import load_imbalance
from core.space import Domain, Integer
from core.strategy import Batch, Decision, Family, Pass, Site


class LocalSearch(ImitationStrategy):
    """Improve each example's gates by hill climbing on its loss, within the budget; the gater imitates what was found.

    A step closes one block of each layer, the one that is missed least, and then opens the best one in its place, which
    may be the same: the loss never rises. Both come from ``flips``. The search sees labels, the student never does, and
    the network is trained on the student's gates: trained on the teacher's, as ``network_gates`` ``teacher`` does to
    show it, it learns to read the label off the mask.
    """

    source: ClassVar[str] = "retrospective, R9"
    family: ClassVar[Family] = "search"
    needs = frozenset({"flips"})
    space: ClassVar[Mapping[str, Domain]] = {
        "steps": Integer(1, low=1, high=16, search=(1, 3)),
        "restarts": Integer(0, low=0, high=8, search=(0, 2)),
        **SPACE,
    }

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        noise = linear(self.settings["noise"], 0.0, batch.progress)
        scores: list[Tensor] = []

        def decide(site: Site) -> Decision:
            scores.append(site.scores)
            noisy = site.scores + noise * normal_like(site.scores, batch.generator)
            return Decision(top_blocks(noisy, budget(site.blocks, batch.density)))

        done = batch(decide)
        with torch.no_grad():
            found = self._search(batch, [decision.gates for decision in done.decisions])
        if self.settings["network_gates"] == "teacher":
            done = batch(explicit(found))
        imitation = sum(
            (-(gates * score.log_softmax(dim=1)).sum(dim=1).mean() for gates, score in zip(found, scores, strict=True)),
            start=torch.zeros_like(done.mean_loss()),
        )
        balance = torch.stack([load_imbalance(score, gates) for gates, score in zip(found, scores, strict=True)]).sum()
        objective = done.mean_loss() + self.settings["imitation"] * imitation + self.settings["balance"] * balance
        return objective, done

    def _search(self, batch: Batch, start: Sequence[Tensor]) -> list[Tensor]:
        """Return the best gates found for each example, from ``start`` and from random restarts."""
        best, best_loss = self._climb(batch, start)
        for _ in range(self.settings["restarts"]):
            drawn = [top_blocks(normal_like(gates, batch.generator), int(gates[0].sum())) for gates in start]
            gates, loss = self._climb(batch, drawn)
            better = (loss < best_loss)[:, None]
            best = [torch.where(better, new, old) for new, old in zip(gates, best, strict=True)]
            best_loss = torch.minimum(loss, best_loss)
        return best

    def _climb(self, batch: Batch, start: Sequence[Tensor]) -> tuple[list[Tensor], Tensor]:
        """Return the gates after all steps and their loss ``[B]``, never above that of ``start``."""
        gates = list(start)
        loss = torch.zeros(())
        for _ in range(self.settings["steps"]):
            for layer in range(len(gates)):
                flipped = batch.flips(batch(explicit(gates)), layer)
                close = flipped.masked_fill(gates[layer] == 0, torch.inf).argmin(dim=1, keepdim=True)
                gates[layer] = gates[layer].scatter(1, close, 0.0)
                flipped = batch.flips(batch(explicit(gates)), layer).masked_fill(gates[layer] != 0, torch.inf)
                loss, best = flipped.min(dim=1, keepdim=True)
                gates[layer] = gates[layer].scatter(1, best, 1.0)
        return gates, loss.squeeze(1)
