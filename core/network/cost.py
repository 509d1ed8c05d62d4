"""Multiply-adds (MACs): of one pass, of dense networks, and the dense width that costs the same as a gated network.

Counted are the matrix products: open blocks only, the gater's own, the read-out. Biases, activations and the scaling by
gates are not, as is usual.
"""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from core.architecture import Architecture, GatedLayer


class PassCost:
    """Adds up the multiply-adds of one pass, per example.

    Attributes:
        macs: ``[B]`` float64, what the output needs.
        training_macs: ``[B]`` float64, what was computed, and where gradients are on its backward too.
    """

    def __init__(self, rows: int, device: torch.device) -> None:
        self.macs = torch.zeros(rows, dtype=torch.float64, device=device)
        self.training_macs = torch.zeros_like(self.macs)

    def product(
        self,
        read: Tensor,
        needed: Tensor | int,
        *,
        computed: Tensor | int | None = None,
        differentiated: Tensor | int = 0,
    ) -> None:
        """Charge one matrix product.

        Args:
            read: ``[B]``, open input units.
            needed: ``[B]`` or a number, output units that the result needs; the weight gradient needs the same.
            computed: output units computed for the sake of closed gates' gradients too; ``needed`` if None.
            differentiated: ``[B]`` or a number, input units that receive a gradient.
        """
        self.macs += read * needed
        if torch.is_grad_enabled():
            self.training_macs += read * (needed if computed is None else computed) + (read + differentiated) * needed
        else:
            self.training_macs += read * needed

    def charge(self, forward: Tensor | float, backward: Tensor | float) -> None:
        """Charge what was counted elsewhere: ``[B]`` or a number per row, of the output and of the gradients."""
        self.macs += forward
        self.training_macs += forward + backward

    def repeat(self, read: Tensor, needed: int) -> None:
        """Charge training for computing a product once more, with its weight gradient, that the output needs once."""
        self.training_macs += read * needed * (2 if torch.is_grad_enabled() else 1)


def dense_macs(architecture: Architecture) -> int:
    """Multiply-adds per row with every block open and no gater; of a transformer, the mean over positions.

    784 x 256 + 256 x 10:

    >>> dense_macs(Architecture.parse("16x16", features=784, classes=10))
    203264
    """
    return round(architecture.macs([float(layer.units) for layer in architecture.layers], gaters=False))


def gated_macs(architecture: Architecture, density: float) -> float:
    """Expected multiply-adds per row with a share ``density`` of the blocks open, the gaters included.

    Blocks of different layers are taken as open independently. 784 x 32 + 784 x 16 + 32 x 10:

    >>> gated_macs(Architecture.parse("16x16", features=784, classes=10), density=1 / 8)
    37952.0
    """
    return architecture.macs([density * layer.units for layer in architecture.layers], gaters=True)


def equal_macs_dense(architecture: Architecture, density: float) -> Architecture:
    """Return the dense network, scaled in width only, that costs nearest to the gated one at ``density``.

    Hidden widths keep their proportions. Ties go to the narrower network. (784 + 10) x 48 = 38112 is nearest to 37952:

    >>> equal_macs_dense(Architecture.parse("16x16", features=784, classes=10), density=1 / 8).network
    '1x48'
    """
    return dense_of_macs(architecture, gated_macs(architecture, density))


def dense_of_macs(architecture: Architecture, target: float) -> Architecture:
    """Return the dense network, scaled in width only, whose multiply-adds are nearest to ``target``.

    Hidden widths keep their proportions, and are at most twice as wide. Ties go to the narrower network.
    """
    widest = widest_layer(architecture)
    # Gated networks with a gater can cost more than dense ones of their own width, hence twice the width.
    networks = (dense_of_width(architecture, width) for width in range(1, 2 * widest + 1))
    return min(networks, key=lambda dense: abs(dense_macs(dense) - target))


def dense_of_width(architecture: Architecture, width: int) -> Architecture:
    """Return the dense network whose widest layer has ``width`` units, the others in proportion, and at least one.

    >>> dense_of_width(Architecture.parse("16x16,8x16", features=784, classes=10), 40).network
    '1x40,1x20'
    """
    widest = widest_layer(architecture)
    layers = tuple(GatedLayer(1, max(1, round(layer.units * width / widest))) for layer in architecture.layers)
    return replace(architecture, layers=layers)


def widest_layer(architecture: Architecture) -> int:
    """How many units the widest hidden layer has."""
    return max(layer.units for layer in architecture.layers)


def least_macs(architecture: Architecture, executed: Sequence[Tensor]) -> Tensor:
    """Return ``[rows]``: what one pass costs at the least that computed these blocks, without anything that decides.

    Five features, 2 and 0 of 4 blocks of 3 units open, 3 classes: 5 x 6 + 6 x 3, and nothing:

    >>> executed = [torch.tensor([[1.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]])]
    >>> least_macs(Architecture.parse("4x3", features=5, classes=3), executed)
    tensor([48.,  0.], dtype=torch.float64)
    """
    open_units = [
        (mask != 0).sum(dim=1, dtype=torch.float64) * layer.size
        for layer, mask in zip(architecture.layers, executed, strict=True)
    ]
    return architecture.macs(open_units, gaters=False)
