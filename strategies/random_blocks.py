"""Control: gates that know nothing."""

from typing import ClassVar

import torch

from core.parts.gates import bernoulli
from core.parts.unlearned import UnlearnedStrategy
from core.strategy import Batch, Decide, Decision, Family, Site


class RandomBlocks(UnlearnedStrategy):
    """Each block is open with probability tau, whatever the input (bdNN): block dropout that stays on at test time."""

    source: ClassVar[str] = "Bengio et al. 2015, section 4.2 (bdNN)"
    family: ClassVar[Family] = "control"

    def decide(self, batch: Batch) -> Decide:
        def decide(site: Site) -> Decision:
            probability = torch.full_like(site.hidden[:, :1], batch.density).expand(-1, site.blocks)
            return Decision(bernoulli(probability, batch.generator), probability)

        return decide
