"""Control: a gater that never learns."""

from typing import ClassVar

from core.parts.distributions.exactly_k import ExactlyK
from core.parts.least_one import LeastOneStrategy
from core.parts.unlearned import UnlearnedStrategy
from core.strategy import Batch, Decide, Decision, Family, Site


class FrozenGater(UnlearnedStrategy, LeastOneStrategy):
    """Open the tau * n blocks that the gater scores highest as it was initialised: a random hash of the input.

    Similar inputs open similar blocks, and the network learns to use them. What a learned gater adds to this is what
    learning to gate is worth. It has no gate rule: where nothing is active below, all of its scores tie.
    """

    source: ClassVar[str] = "control; fixed random routing as in Roller et al. 2021, arXiv 2106.04426"
    family: ClassVar[Family] = "control"

    def decide(self, batch: Batch) -> Decide:
        def decide(site: Site) -> Decision:
            return Decision(ExactlyK(batch.density).likely_draw(site.scores_detached.detach(), batch.generator).gates)

        return decide
