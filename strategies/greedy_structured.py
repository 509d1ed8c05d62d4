"""Greedy structured prediction: a teacher adds the block that helps most, and the student imitates it."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from core.parts.anneal import linear
from core.parts.gates import budget, explicit, normal_like, top_blocks
from core.parts.imitation import SPACE, ImitationStrategy
from core.parts.penalties import load_imbalance
from core.space import Domain, Real
from core.strategy import Batch, Decision, Family, Pass, Site


class GreedyStructured(ImitationStrategy):
    """Add blocks one at a time, each by the largest decrease of the loss; the gater learns to name it.

    The blocks chosen so far (the roll-in) are the teacher's with a probability that falls from ``first_mix`` to 0 in
    training, else the student's own: DAgger's mix, so that the student learns where its own choices lead. The teacher
    sees labels, the student never does, and the network is trained on the student's gates: trained on the teacher's, as
    ``network_gates`` ``teacher`` does to show it, with every roll-in the teacher's, it learns to read the label off the
    mask.
    """

    source: ClassVar[str] = "retrospective, R9; Ross et al. 2011 (DAgger), arXiv 1011.0686"
    family: ClassVar[Family] = "search"
    needs = frozenset({"flips"})
    space: ClassVar[Mapping[str, Domain]] = {
        "first_mix": Real(0.5, low=1e-2, high=1.0, or_zero=True, search=(0.1, 1.0)),
        **SPACE,
    }

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        noise = linear(self.settings["noise"], 0.0, batch.progress)
        scores: list[Tensor] = []
        noisy: list[Tensor] = []

        def decide(site: Site) -> Decision:
            scores.append(site.scores)
            noisy.append(site.scores.detach() + noise * normal_like(site.scores, batch.generator))
            return Decision(top_blocks(noisy[-1], budget(site.blocks, batch.density)))

        done = batch(decide)
        taught = self.settings["network_gates"] == "teacher"
        total = torch.zeros_like(done.mean_loss()) if taught else done.mean_loss()
        mix = 1.0 if taught else linear(self.settings["first_mix"], 0.0, batch.progress)
        network_gates = [decision.gates for decision in done.decisions]
        for layer, decision in enumerate(done.decisions):
            gates = list(network_gates)
            gates[layer] = torch.zeros_like(decision.gates)
            named = torch.zeros_like(decision.gates)
            count = int(decision.gates[0].sum())
            for _ in range(count):
                with torch.no_grad():
                    base = batch(explicit(gates))
                    flipped = batch.flips(base, layer)
                taken = gates[layer] != 0
                best = flipped.masked_fill(taken, torch.inf).argmin(dim=1)
                closed_scores = scores[layer].masked_fill(taken, -torch.inf)
                total = total + self.settings["imitation"] * cross_entropy(closed_scores, best) / count
                named = named.scatter(1, best[:, None], 1.0)
                own = noisy[layer].masked_fill(taken, -torch.inf).argmax(dim=1)
                teacher = torch.rand(best.shape, generator=batch.generator, device=best.device) < mix
                gates = list(gates)
                gates[layer] = gates[layer].scatter(1, torch.where(teacher, best, own)[:, None], 1.0)
            total = total + self.settings["balance"] * load_imbalance(scores[layer], named)
            if taught:
                network_gates[layer] = gates[layer]
        if taught:
            done = batch(explicit(network_gates))
            total = total + done.mean_loss()
        return total, done
