"""The loss under other gates of one layer, for any number of them, from one table of block contributions."""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from core.network.blocks import BlockLinear
from core.network.fully_connected import FullyConnectedNetwork
from core.network.uncharged import charged
from core.strategy import ProtocolError, SinglePass
from kernels import activate, gate_blocks


class ContributionTable:
    """The values of all blocks of a layer in one pass, and what each contributes to the next pre-activation.

    The next pre-activation under any gates is a bias and a weighted sum of these contributions, so that no product with
    the layer's input, and none with its output, is computed again. Only layers after the next one are, for each
    candidate; gates of later layers stay as in the pass. Nothing sends a gradient.

    Charged to training are: when the table is made, the blocks that the pass left closed, and the contributions of all
    blocks to the next layer's open units (or to the classes); later, for each candidate, the products of the layers
    after the next one and of the read-out behind them. Sums of contributions are no products, and cost nothing.

    Args:
        network: the network that made ``base``.
        base: the pass.
        layer: the gated layer whose gates are varied.
        labels: ``[rows]`` classes.
        charge: is told the multiply-adds of all rows together, as they are spent.
    """

    def __init__(
        self,
        network: FullyConnectedNetwork,
        base: SinglePass,
        layer: int,
        labels: Tensor,
        charge: Callable[[float], None],
    ) -> None:
        self._activation = network.architecture.activation
        self._labels = labels
        self._charge = charge
        following = [*(cast(BlockLinear, part) for part in network.layers), network.readout]
        units_in = [*base.read, torch.full_like(base.read[0], network.architecture.classes)]
        self._later = [
            (decision.gates, part)
            for decision, part in zip(base.decisions[layer + 1 :], following[layer + 2 :], strict=True)
        ]
        self._later_macs = torch.zeros_like(base.read[0])
        for index in range(layer + 2, len(following)):
            self._later_macs += units_in[index] * units_in[index + 1]

        self._gates = base.decisions[layer].gates.detach()
        blocks = self._gates.shape[1]
        units, size = network.architecture.layers[layer].units, network.architecture.layers[layer].size
        with torch.no_grad():
            closed = (self._gates == 0).to(self._gates.dtype)
            fresh = activate(network.preactivation(layer, base.inputs[layer], out_mask=closed), self._activation)
            scale = torch.where(self._gates == 0, 1.0, self._gates)[:, :, None]
            computed = base.inputs[layer + 1].unflatten(1, (blocks, size)) / scale
            values = torch.where(closed[:, :, None] != 0, fresh.unflatten(1, (blocks, size)), computed)
            weight = following[layer + 1].weight
            self._contributions = torch.einsum("rik,oikj->rioj", values, weight).flatten(2)
            bias = following[layer + 1].bias
            assert bias is not None
            self._bias = bias.detach()
        missing = closed.sum(dim=1, dtype=torch.float64) * size
        charge(float((units_in[layer] * missing + units * units_in[layer + 2]).sum()))

    @property
    def gates(self) -> Tensor:
        """``[rows, blocks]``: the gates of the pass."""
        return self._gates

    @charged()
    @torch.no_grad()
    def losses(self, gates: Tensor) -> Tensor:
        """See :meth:`core.strategy.Table.losses`."""
        candidates = self._candidates(gates)
        self._charge(candidates.shape[1] * float(self._later_macs.sum()))
        found = self._losses(self._sums(candidates))
        return found if gates.dim() == 3 else found[:, 0]

    @charged()
    @torch.no_grad()
    def flips(self, gates: Tensor) -> Tensor:
        """See :meth:`core.strategy.Table.flips`."""
        candidates = self._candidates(gates)
        change = torch.where(candidates != 0, -candidates, torch.ones_like(candidates))[..., None]
        flipped = self._sums(candidates)[:, :, None, :] + change * self._contributions[:, None]
        self._charge(candidates.shape[1] * candidates.shape[2] * float(self._later_macs.sum()))
        return self._losses(flipped.flatten(1, 2)).view(gates.shape)

    @charged()
    @torch.no_grad()
    def swaps(self, gates: Tensor) -> Tensor:
        """See :meth:`core.strategy.Table.swaps`."""
        candidate = self._candidates(gates)[:, 0]
        is_open = candidate != 0
        number = is_open.sum(dim=1)
        rows, blocks = candidate.shape
        found = torch.full((rows, blocks, blocks), torch.inf, dtype=candidate.dtype, device=candidate.device)
        # Open blocks first, in order: rows that have fewer of a kind are padded, and the padding is masked.
        order = is_open.to(torch.int8).sort(dim=1, descending=True, stable=True).indices
        most_open, most_closed = int(number.max()), int(blocks - number.min())
        if most_open == 0 or most_closed == 0:
            return found
        closing, opening = order[:, :most_open], order[:, blocks - most_closed :]
        taken, brought = self._of_blocks(closing), self._of_blocks(opening)
        scale = candidate.gather(1, closing)[:, :, None]
        swapped = (self._sums(candidate[:, None]) - scale * taken)[:, :, None] + brought[:, None]
        valid = is_open.gather(1, closing)[:, :, None] & ~is_open.gather(1, opening)[:, None]
        losses = self._losses(swapped.flatten(1, 2)).unflatten(1, (most_open, most_closed))
        self._charge(float((number * (blocks - number) * self._later_macs).sum()))
        row = torch.arange(rows, device=candidate.device)[:, None, None]
        found[row, closing[:, :, None], opening[:, None]] = losses.masked_fill(~valid, torch.inf)
        return found

    def _candidates(self, gates: Tensor) -> Tensor:
        """Return gates as ``[rows, candidates, blocks]``."""
        rows, blocks = self._gates.shape
        if gates.dim() not in (2, 3) or gates.shape[0] != rows or gates.shape[-1] != blocks:
            raise ProtocolError(f"gates are {list(gates.shape)}, expected {[rows, blocks]}, or candidates in between")
        return gates if gates.dim() == 3 else gates[:, None]

    def _of_blocks(self, indices: Tensor) -> Tensor:
        """Return the contributions of the blocks at ``indices`` ``[rows, m]``: ``[rows, m, outputs]``."""
        return self._contributions.gather(1, indices[:, :, None].expand(-1, -1, self._contributions.shape[2]))

    def _sums(self, candidates: Tensor) -> Tensor:
        """Return the next pre-activation ``[rows, candidates, outputs]``."""
        return torch.baddbmm(self._bias, candidates, self._contributions)

    def _losses(self, y: Tensor) -> Tensor:
        """Return the losses ``[rows, candidates]`` of pre-activations of the next layer or, behind the last, logits."""
        rows, count = y.shape[:2]
        y = y.flatten(0, 1)
        for gates, part in self._later:
            later = gates.detach().repeat_interleave(count, dim=0)
            hidden = gate_blocks(activate(y, self._activation), later)
            y = part(hidden, (later != 0).to(hidden.dtype))
        labels = self._labels.repeat_interleave(count)
        return cross_entropy(y, labels, reduction="none").view(rows, count)
