"""What passes over the same input share: products with the input that an earlier pass has computed already."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class InputProducts:
    """The products with the network's input that a pass knows, its own and those of the passes it carries on from.

    The input is the same in every pass over a batch, so the gater's product with it, and that of each first-layer block
    once it was opened, need not be computed again: a further pass pays for the state that it carries and for blocks
    that it opens for the first time. The gradients of all passes add up before a product's weight gradient is taken,
    which is one product too.

    Attributes:
        scores: ``[B, blocks]``, the gater's product with the input and its bias; None if it was not asked for.
        units: ``[B, units]``, ``W x + b`` of the first layer's computed blocks, 0 elsewhere.
        computed: ``[B, blocks]``, 1 where ``units`` are computed.
        opened: ``[B, blocks]``, 1 where a block has been opened; less than ``computed`` after exact gates.
        differentiable: whether a gradient can be sent to the weights.
    """

    scores: Tensor | None
    units: Tensor
    computed: Tensor
    opened: Tensor
    differentiable: bool

    @classmethod
    def none(cls, x: Tensor, blocks: int, units: int) -> "InputProducts":
        """Return that nothing is known yet about the input ``[B, features]``."""
        nothing = x.new_zeros(x.shape[0], blocks)
        return cls(None, x.new_zeros(x.shape[0], units), nothing, nothing, torch.is_grad_enabled())

    def usable(self, rows: int) -> bool:
        """Whether a pass over so many rows may use them: without a gradient they would hide the weights from it."""
        return self.units.shape[0] == rows and (self.differentiable or not torch.is_grad_enabled())
