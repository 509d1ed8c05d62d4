"""Noisy top-k routing, as in mixtures of experts."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from core.architecture import Architecture
from core.parts.anneal import linear
from core.parts.least_one import LeastOneStrategy
from core.parts.routing import SPACE, best_blocks, noisy_best_blocks
from core.space import Choice, Domain, Real, only_where
from core.strategy import Batch, Family, GateRule, Pass


class TopK(LeastOneStrategy):
    """Open the tau * n blocks of the highest noisy scores, and balance the load between blocks.

    ``weighted`` gates are the softmax over the open blocks' scores; ``binary`` ones are 1, with the gradient of their
    softmax over all blocks. The noise is annealed to 0 and absent at test time.

    The load is balanced by a ``loss``, or ``loss_free``: by a bias per block that is added to the scores for the choice
    alone, and moves by ``bias_step`` per batch, up where a block is open less often than the others (Wang et al. 2024).
    """

    source: ClassVar[str] = (
        "Shazeer et al. 2017, arXiv 1701.06538; balance loss of Fedus et al. 2021, arXiv 2101.03961; loss-free: Wang "
        "et al. 2024, arXiv 2408.15664"
    )
    family: ClassVar[Family] = "routing"
    space: ClassVar[Mapping[str, Domain]] = {
        "gates": Choice("binary", ("binary", "weighted")),
        "noise": SPACE["noise"],
        **only_where({"balance": SPACE["balance"]}, {"balancing": ("loss",)}),
        "balancing": Choice("loss", ("loss", "loss_free"), searched=False),
        "bias_step": Real(0.1, low=1e-4, high=1.0, log=True, searched=False, when={"balancing": ("loss_free",)}),
    }

    def __init__(self, architecture: Architecture, settings: Mapping[str, Any], generator: torch.Generator) -> None:
        super().__init__(architecture, settings, generator)
        for number, layer in enumerate(architecture.layers if self._loss_free else ()):
            self.register_buffer(f"bias_{number}", torch.zeros(layer.blocks))

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        scale = linear(self.settings["noise"], 0.0, batch.progress)
        unevenness: list[Tensor] = []
        done = batch(
            noisy_best_blocks(batch, batch.density, scale, unevenness, weighted=self._weighted, bias=self._biases())
        )
        if self._loss_free:
            self._balance(done)
            return done.mean_loss(), done
        return done.mean_loss() + self.settings["balance"] * torch.stack(unevenness).sum(), done

    def gate_rule(self) -> GateRule | None:
        return None if self._weighted or self._loss_free else GateRule("top")

    def infer(self, batch: Batch) -> Pass:
        return batch(best_blocks(batch, weighted=self._weighted, bias=self._biases()))

    @torch.no_grad()
    def _balance(self, done: Pass) -> None:
        for bias, gates in zip(self._biases(), done.executed, strict=True):
            load = gates.mean(dim=0)
            bias += self.settings["bias_step"] * (load.mean() - load).sign()

    def _biases(self) -> Sequence[Tensor]:
        return [bias for _, bias in self.named_buffers()]

    @property
    def _weighted(self) -> bool:
        return bool(self.settings["gates"] == "weighted")

    @property
    def _loss_free(self) -> bool:
        return bool(self.settings["balancing"] == "loss_free")
