"""Greedy structured prediction: a teacher completes a set of blocks step by step, and the student imitates it."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from core.parts.anneal import linear
from core.parts.imitation import SPACE, ImitationStrategy
from core.parts.set_search import complete_sets
from core.space import Domain, Integer, Real
from core.strategy import Batch, Family, Table


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

    def teach(self, batch: Batch, table: Table, noisy: Tensor) -> tuple[Tensor, Tensor]:
        taught = self.settings["network_gates"] == "teacher"
        mix = 1.0 if taught else linear(self.settings["first_mix"], 0.0, batch.progress)
        chosen = self._roll_in(batch, table, noisy, _counts(table), mix)
        named, costs = complete_sets(table, chosen, _counts(table), self.settings["beam"])
        return named, costs.masked_fill(chosen != 0, torch.inf)

    def teachers_gates(self, table: Table, named: Tensor) -> Tensor:
        return complete_sets(table, torch.zeros_like(table.gates), _counts(table), self.settings["beam"])[0]

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


def _counts(table: Table) -> Tensor:
    """How many blocks of the layer each example opens, ``[B]``."""
    return (table.gates != 0).sum(dim=1)
