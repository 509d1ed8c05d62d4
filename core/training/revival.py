"""Dead-block revival: a block that no training example opens any more takes after one that is open often."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor

from core.network.blocks import Gater
from core.network.network import GatedNetwork


class Revival:
    """Counts which blocks were executed, and gives those that died another chance.

    A block that was closed for every training example of ``patience`` epochs in a row has its row of the gater, with
    the optimizer's state for it, replaced by that of one of the most used blocks of its layer; its own freshly drawn
    initial weights are added, so that the two part. Dead codes of vector quantisers are replaced by living ones in the
    same way (Dhariwal et al. 2020, arXiv 2005.00341, section 3.1).

    Args:
        network: whose gaters are revived; row j of a gater must be the score of block j.
        optimizer: of the network's parameters.
        patience: epochs, at least 1.
        generator: draws the fresh weights.
        density: the target share of open blocks.
    """

    def __init__(
        self,
        network: GatedNetwork,
        optimizer: torch.optim.Optimizer,
        patience: int,
        generator: torch.Generator,
        density: float,
    ) -> None:
        self._gaters = [cast(Gater, gater) for gater in network.gaters]
        self._optimizer = optimizer
        self._patience = patience
        self._generator = generator
        self._density = density
        self._opened = [torch.zeros_like(gater.bias) for gater in self._gaters]
        self._idle_epochs = [torch.zeros_like(gater.bias) for gater in self._gaters]

    def count(self, executed: Sequence[Tensor]) -> None:
        """Note the executed blocks ``[B, blocks]`` of each layer of a training batch."""
        for opened, mask in zip(self._opened, executed, strict=True):
            opened += mask.detach().sum(dim=0)

    def end_epoch(self) -> int:
        """Revive what has died, and return how many blocks that was."""
        revived = 0
        for gater, opened, idle in zip(self._gaters, self._opened, self._idle_epochs, strict=True):
            idle.copy_(torch.where(opened == 0, idle + 1, torch.zeros_like(idle)))
            dead = (idle >= self._patience).nonzero().flatten()
            living = opened.argsort(descending=True)[: int((opened > 0).sum())]
            if len(dead) and len(living):
                self._copy_rows(gater, living.repeat(len(dead))[: len(dead)], dead)
                idle[dead] = 0
                revived += len(dead)
            opened.zero_()
        return revived

    @torch.no_grad()
    def _copy_rows(self, gater: Gater, source: Tensor, target: Tensor) -> None:
        fresh = Gater.like(gater)
        fresh.reset(self._generator, self._density)
        fresh.bias.zero_()
        for parameter, addition in zip(gater.parameters(), fresh.parameters(), strict=True):
            parameter[target] = parameter[source] + addition[target].to(parameter.device)
            for state in self._optimizer.state.get(parameter, {}).values():
                if isinstance(state, Tensor) and state.shape == parameter.shape:
                    state[target] = state[source]
