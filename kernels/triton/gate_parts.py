"""Gradients of the gates of blocks that several programs compute, each a tile: parts, added up in one order."""

import torch
from torch import Tensor


def parts_of(gradient: Tensor | None, cuts: int) -> Tensor | None:
    """Return where kernels write the gradient of gates ``[B, n]``: itself, or float32 ``[cuts, B, n]`` of its tiles."""
    if gradient is None or cuts == 1:
        return gradient
    return gradient.new_empty(cuts, *gradient.shape, dtype=torch.float32)


def add_up(parts: Tensor | None, gradient: Tensor | None) -> None:
    """Write the sum of the parts that :func:`parts_of` gave into the gradient."""
    if parts is not None and gradient is not None and parts is not gradient:
        gradient.copy_(parts.sum(0))
