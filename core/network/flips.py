"""The effect of flipping one gate, for every gate of a layer at once, from cached block contributions."""

from typing import cast

import torch
from torch import Tensor

from core.network.blocks import BlockLinear
from core.network.fully_connected import GatedNetwork
from core.strategy import SinglePass
from kernels import activate, gate_blocks


def flipped_outputs(network: GatedNetwork, base: SinglePass, layer: int) -> tuple[Tensor, float]:
    """Return the logits with each one gate of ``layer`` flipped, all other gates as in ``base``.

    A flip changes the next layer's pre-activation by one block's contribution, so that layer is not computed again for
    every flip; only layers after it are.

    Args:
        network: the network that made ``base``.
        base: the pass.
        layer: the gated layer whose gates are flipped.

    Returns:
        Logits ``[B, blocks, classes]``, and the multiply-adds that they took for all rows together.
    """
    architecture = network.architecture
    activation = architecture.activation
    following = [*(cast(BlockLinear, part) for part in network.layers), network.readout]
    units_in = [*base.read, torch.full_like(base.read[0], architecture.classes)]

    gates = base.decisions[layer].gates
    blocks, units = gates.shape[1], architecture.layers[layer].units
    with torch.no_grad():
        values = activate(network.preactivation(layer, base.inputs[layer]), activation).unflatten(1, (blocks, -1))
        contributions = torch.einsum("rik,oikj->rioj", values, following[layer + 1].weight).flatten(2)
        change = torch.where(gates != 0, -gates, torch.ones_like(gates))[:, :, None] * contributions
        unflipped = following[layer + 1](base.inputs[layer + 1])
        y = (unflipped[:, None, :] + change).flatten(0, 1)
        for index in range(layer + 1, len(architecture.layers)):
            later = base.decisions[index].gates.repeat_interleave(blocks, dim=0)
            hidden = gate_blocks(activate(y, activation), later)
            y = following[index + 1](hidden, (later != 0).to(hidden.dtype))

    macs = units_in[layer] * units + (units + units_in[layer + 1]) * units_in[layer + 2]
    for index in range(layer + 2, len(following)):
        macs = macs + blocks * units_in[index] * units_in[index + 1]
    return y.unflatten(0, (-1, blocks)), float(macs.sum())
