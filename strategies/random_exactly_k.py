"""Control: exactly k blocks that know nothing."""

from typing import ClassVar

from core.parts.distributions.exactly_k import ExactlyK
from core.parts.least_one import LeastOneStrategy
from core.parts.unlearned import UnlearnedStrategy
from core.strategy import Batch, Decide, Decision, Family, Site


class RandomExactlyK(UnlearnedStrategy, LeastOneStrategy):
    """Open tau * n blocks at random, whatever the input, at test time too: random gates that are never fully closed."""

    source: ClassVar[str] = "control for strategies that open exactly k blocks"
    family: ClassVar[Family] = "control"

    def decide(self, batch: Batch) -> Decide:
        def decide(site: Site) -> Decision:
            equal = site.hidden.new_zeros(site.hidden.shape[0], site.blocks)
            return Decision(ExactlyK(batch.density).draw(equal, batch.generator).gates)

        return decide
