"""Control: gates that know nothing."""

from typing import ClassVar

import torch
from torch import Tensor

from core.gates import bernoulli
from core.strategy import Decide, Decision, Family, Pass, Run, Site, Strategy


class RandomBlocks(Strategy):
    """Each block is open with probability tau, whatever the input (bdNN): block dropout that stays on at test time."""

    source: ClassVar[str] = "Bengio et al. 2015, section 4.2 (bdNN)"
    family: ClassVar[Family] = "control"

    def objective(self, run: Run) -> tuple[Tensor, Pass]:
        done = run(self._decide(run))
        return done.mean_loss(), done

    def infer(self, run: Run) -> Pass:
        return run(self._decide(run))

    def _decide(self, run: Run) -> Decide:
        def decide(site: Site) -> Decision:
            probability = torch.full_like(site.hidden[:, :1], run.density).expand(-1, site.blocks)
            return Decision(bernoulli(probability, run.generator), probability)

        return decide
