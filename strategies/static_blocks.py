"""Control: one learned mask for all inputs."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from core.architecture import Architecture
from core.parts.anneal import linear
from core.parts.gates import budget, normal_like, straight_through, top_blocks
from core.parts.least_one import LeastOneStrategy
from core.space import Domain, Real
from core.strategy import Batch, Decide, Decision, Family, Pass, Site


class StaticBlocks(LeastOneStrategy):
    """Learn which blocks to open, the same for every input, without a gater.

    Is conditionality worth anything? One logit per block; the tau * n blocks of the highest ones are open, with the
    gradient of their sigmoid. Noise on the logits, annealed to 0, lets closed blocks be tried in training.
    """

    source: ClassVar[str] = "control"
    family: ClassVar[Family] = "control"
    space: ClassVar[Mapping[str, Domain]] = {
        "noise": Real(1.0, low=1e-2, high=10.0, log=True, or_zero=True, search=(0.1, 5.0)),
    }

    def __init__(self, architecture: Architecture, settings: Mapping[str, Any], generator: torch.Generator) -> None:
        super().__init__(architecture, settings, generator)
        self.logits = nn.ParameterList(
            nn.Parameter(1e-2 * torch.randn(layer.blocks, generator=generator)) for layer in architecture.layers
        )

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        done = batch(self._decide(batch, linear(self.settings["noise"], 0.0, batch.progress)))
        return done.mean_loss(), done

    def infer(self, batch: Batch) -> Pass:
        return batch(self._decide(batch, 0.0))

    def _decide(self, batch: Batch, noise: float) -> Decide:
        def decide(site: Site) -> Decision:
            logits = self.logits[site.index].to(site.hidden.dtype)
            noisy = logits + noise * normal_like(logits, batch.generator)
            chosen = top_blocks(noisy[None], budget(site.blocks, batch.density))
            gates = straight_through(chosen, logits.sigmoid())
            return Decision(gates.expand(site.hidden.shape[0], -1), gate_grad="exact")

        return decide
