"""Greedy structured prediction: a teacher completes a set of blocks step by step, and the student imitates it."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from core.parts.anneal import linear
from core.parts.gates import explicit, normal_like, open_counts, top_blocks
from core.parts.imitation import SPACE, ImitationStrategy
from core.parts.penalties import load_imbalance
from core.parts.set_search import complete_sets
from core.space import Domain, Integer, Real
from core.strategy import Batch, Decision, Family, Pass, Site, Table


class GreedyStructured(ImitationStrategy):
    """Complete a set of blocks by a beam search on the loss; the gater learns what each next block would cost.

    For each example a number of blocks, uniform below its budget, is chosen first (the roll-in): each is the teacher's
    with a probability that falls from ``first_mix`` to 0 in training, else the student's own, so that the student
    learns where its own choices lead (DAgger's mix). The teacher then completes the set (the roll-out), keeping the
    ``beam`` best sets of each size. What a further block costs is the least loss of the completed sets that the search
    saw in which it is open, and the student imitates these costs, as ``targets`` says (AggreVaTe). All of a layer comes
    from one table of its contributions, with the other layers' gates as the student set them.

    The teacher sees labels, the student never does, and the network is trained on the student's gates: trained on the
    teacher's, as ``network_gates`` ``teacher`` does to show it, with every roll-in the teacher's, it learns to read the
    label off the mask.
    """

    source: ClassVar[str] = "retrospective, R9; Ross et al. 2011 (DAgger); Ross and Bagnell 2014 (AggreVaTe)"
    family: ClassVar[Family] = "search"
    needs = frozenset({"flips"})
    space: ClassVar[Mapping[str, Domain]] = {
        "beam": Integer(2, low=1, high=16, search=(1, 4)),
        "first_mix": Real(
            0.5, low=1e-2, high=1.0, or_zero=True, search=(0.1, 1.0), when={"network_gates": ("student",)}
        ),
        **SPACE,
    }

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        noise = linear(self.settings["noise"], 0.0, batch.progress)
        scores: list[Tensor] = []
        noisy: list[Tensor] = []

        def decide(site: Site) -> Decision:
            scores.append(site.scores)
            noisy.append(site.scores.detach() + noise * normal_like(site.scores, batch.generator))
            counts = open_counts(len(noisy[-1]), site.blocks, batch.density, batch.generator)
            return Decision(top_blocks(noisy[-1], counts))

        done = batch(decide)
        taught = self.settings["network_gates"] == "teacher"
        mix = 1.0 if taught else linear(self.settings["first_mix"], 0.0, batch.progress)
        gates = [decision.gates for decision in done.decisions]
        total = torch.zeros_like(done.mean_loss())
        base = done
        for layer, score in enumerate(scores):
            if taught and layer > 0:
                with torch.no_grad():
                    base = batch(explicit(gates))
            table = batch.table(base, layer)
            count = (table.gates != 0).sum(dim=1)
            chosen = self._roll_in(batch, table, noisy[layer], count, mix)
            named, costs = complete_sets(table, chosen, count, self.settings["beam"])
            further = costs.masked_fill(chosen != 0, torch.inf)
            total = total + self.imitation(score, further)
            total = total + self.settings["balance"] * load_imbalance(score, named)
            if taught:
                gates[layer] = complete_sets(table, torch.zeros_like(chosen), count, self.settings["beam"])[0]
        if taught:
            done = batch(explicit(gates))
        return total + done.mean_loss(), done

    def _roll_in(self, batch: Batch, table: Table, noisy: Tensor, count: Tensor, mix: float) -> Tensor:
        """Return the blocks ``[B, blocks]`` chosen so far, for each example fewer than ``count`` ``[B]``."""
        draw = torch.rand(count.shape, generator=batch.generator, device=count.device)
        length = (draw * count).long()
        chosen = torch.zeros_like(table.gates)
        for step in range(int(length.max())):
            taken = chosen != 0
            following = noisy.masked_fill(taken, -torch.inf).argmax(dim=1)
            if mix > 0:
                best = table.flips(chosen).masked_fill(taken, torch.inf).argmin(dim=1)
                teacher = torch.rand(best.shape, generator=batch.generator, device=best.device) < mix
                following = torch.where(teacher, best, following)
            more = chosen.scatter(1, following[:, None], 1.0)
            chosen = torch.where((step < length)[:, None], more, chosen)
        return chosen
