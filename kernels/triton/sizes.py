"""Sizes of a call, and what else decides how it is cut up."""

import functools
from typing import NamedTuple

import torch
from torch import Tensor

from kernels.triton.support import tile_of


class Side(NamedTuple):
    """Features of the input or the output, ``width`` in ``blocks`` of ``size``, of which the last may be cut short.

    A block is computed in ``cuts`` tiles of ``tile`` features, which share its gate.
    """

    blocks: int
    size: int
    width: int

    @property
    def tile(self) -> int:
        return tile_of(self.size)

    @property
    def cuts(self) -> int:
        return ceil_div(self.size, self.tile)

    @property
    def tiles(self) -> int:
        return self.blocks * self.cuts

    def exceeded_by(self, tile: int) -> bool:
        """Whether tiles of this size reach beyond their block, or the last block beyond the width."""
        return self.size % tile != 0 or self.width % self.size != 0


class Sizes(NamedTuple):
    """Sizes of one call."""

    batch: int
    inputs: Side
    outputs: Side

    @classmethod
    def of(cls, batch: int, weight: Tensor, *, in_gated: bool) -> "Sizes":
        """Return the sizes of ``batch`` rows; inputs without gates are cut into tiles wherever blocks end."""
        return _sizes(batch, tuple(weight.shape), in_gated)


@functools.cache
def _sizes(batch: int, weight: tuple[int, ...], in_gated: bool) -> Sizes:
    n_out, n_in, in_size, out_size = weight
    width = n_in * in_size
    if not in_gated and in_size != tile_of(in_size):
        in_size = tile_of(width)
        n_in = ceil_div(width, in_size)
    return Sizes(batch, Side(n_in, in_size, width), Side(n_out, out_size, n_out * out_size))


def power_of_two(number: int) -> int:
    """Return the smallest power of two not below ``number``."""
    return 1 << (number - 1).bit_length()


def ceil_div(number: int, by: int) -> int:
    """Return how many parts of size ``by`` hold ``number``."""
    return -(-number // by)


def dot_precision(dtype: torch.dtype) -> str:
    """How Triton multiplies matrices of a dtype, after ``torch.get_float32_matmul_precision()``."""
    if dtype != torch.float32:
        return "ieee"
    return "tf32x3" if torch.get_float32_matmul_precision() == "highest" else "tf32"


def scales(gates: Tensor | None) -> bool:
    """Whether gates are factors, not only a mask."""
    return gates is not None and gates.dtype != torch.bool
