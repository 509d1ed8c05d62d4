"""Control: exactly k blocks that know nothing."""

from typing import ClassVar

from torch import Tensor

from core.parts.distributions.exactly_k import ExactlyK
from core.parts.least_one import LeastOneStrategy
from core.strategy import Batch, Decide, Decision, Family, Pass, Site


class RandomExactlyK(LeastOneStrategy):
    """Open tau * n blocks at random, whatever the input, at test time too: random gates that are never fully closed."""

    source: ClassVar[str] = "control for strategies that open exactly k blocks"
    family: ClassVar[Family] = "control"

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        done = batch(self._decide(batch))
        return done.mean_loss(), done

    def infer(self, batch: Batch) -> Pass:
        return batch(self._decide(batch))

    def _decide(self, batch: Batch) -> Decide:
        def decide(site: Site) -> Decision:
            equal = site.hidden.new_zeros(site.hidden.shape[0], site.blocks)
            return Decision(ExactlyK(batch.density).draw(equal, batch.generator).gates)

        return decide
