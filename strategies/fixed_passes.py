"""Control: several passes, and no halting."""

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from core.anneal import linear
from core.gates import budget, normal_like, routed_gates
from core.penalties import load_imbalance
from core.space import Domain, Integer, Real
from core.strategy import Decision, Family, Pass, Run, Site, Strategy


class FixedPasses(Strategy):
    """Run the same number of passes for every example, each with its own share of the budget: halting taken away.

    Every pass opens the best ``tau * n / passes`` blocks, at least one, sees the hidden state of the pass before, and
    weighs equally in the output.
    """

    source: ClassVar[str] = "control for act_halting"
    family: ClassVar[Family] = "control"
    needs = frozenset({"passes"})
    space: ClassVar[Mapping[str, Domain]] = {
        "passes": Integer(2, low=1, high=8),
        "noise": Real(2.0, low=1e-2, high=10.0, log=True, or_zero=True),
        "balance": Real(3.0, low=1e-3, high=10.0, log=True, or_zero=True),
    }

    def objective(self, run: Run) -> tuple[Tensor, Pass]:
        imbalance: list[Tensor] = []
        done = self._passes(run, linear(self.settings["noise"], 0.0, run.progress), imbalance)
        return done.mean_loss() + self.settings["balance"] * torch.stack(imbalance).mean(), done

    def infer(self, run: Run) -> Pass:
        return self._passes(run, 0.0, [])

    def _passes(self, run: Run, noise: float, imbalance: list[Tensor]) -> Pass:
        count = self.settings["passes"]

        def decide(site: Site) -> Decision:
            noisy = site.scores + noise * normal_like(site.scores, run.generator)
            gates, chosen = routed_gates(noisy, budget(site.blocks, run.density / count))
            imbalance.append(load_imbalance(site.scores, chosen))
            return Decision(gates)

        passes: list[Pass] = []
        for _ in range(count):
            passes.append(run(decide, carry=passes[-1] if passes else None))
        return run.mix(passes, torch.full_like(passes[0].output[:, 0], 1 / count).expand(count, -1))
