"""Local search: a teacher climbs from the student's gates by swapping blocks, and the student imitates it."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from core.parts.gates import normal_like
from core.parts.imitation import SPACE, ImitationStrategy
from core.parts.set_search import exchange_blocks, replace_blocks
from core.space import Choice, Domain, Integer
from core.strategy import Batch, Family, Table


class LocalSearch(ImitationStrategy):
    """Improve each example's gates by hill climbing on its loss, within the budget; the gater imitates what was found.

    A step exchanges an open block for a closed one, the pair that lowers the loss most (``exchange``), or closes the
    block that is missed least and opens the best in its place (``replace``). The number of open blocks stays, and the
    loss never rises. All steps and restarts of a layer come from one table of its contributions, with the other layers'
    gates as the student set them. What a block costs is the least loss of the gates that the search saw in which it is
    open, and the student imitates these costs, as ``targets`` says.

    The search sees labels, the student never does, and the network is trained on the student's gates: trained on the
    teacher's, as ``network_gates`` ``teacher`` does to show it, it learns to read the label off the mask.
    """

    source: ClassVar[str] = "retrospective, R9; Chang et al. 2015 (LOLS), arXiv 1502.02206"
    family: ClassVar[Family] = "search"
    needs = frozenset({"flips"})
    space: ClassVar[Mapping[str, Domain]] = {
        "steps": Integer(2, low=1, high=16, search=(1, 4)),
        "restarts": Integer(0, low=0, high=8, search=(0, 4)),
        "moves": Choice("exchange", ("exchange", "replace")),
        **SPACE,
    }

    def teach(self, batch: Batch, table: Table, noisy: Tensor) -> tuple[Tensor, Tensor]:
        return self._search(batch, table)

    def _search(self, batch: Batch, table: Table) -> tuple[Tensor, Tensor]:
        """Return the best gates found for each example, and what each block costs, both ``[B, blocks]``."""
        climb = exchange_blocks if self.settings["moves"] == "exchange" else replace_blocks
        found, loss, costs = climb(table, table.gates, self.settings["steps"])
        for _ in range(self.settings["restarts"]):
            # A random permutation of each example's own gates keeps its number of open blocks.
            order = normal_like(found, batch.generator).argsort(dim=1)
            gates, again, others = climb(table, table.gates.gather(1, order), self.settings["steps"])
            found = torch.where((again < loss)[:, None], gates, found)
            loss, costs = torch.minimum(loss, again), torch.minimum(costs, others)
        return found, costs
