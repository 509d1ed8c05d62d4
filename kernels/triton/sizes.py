"""Sizes of a call, and what else decides how it is cut up."""

from typing import NamedTuple

import torch
from torch import Tensor

from kernels.triton.support import BLOCK_SIZES


class Sizes(NamedTuple):
    """Sizes of one call; the only ungated input block may have any size, and is cut into blocks that fit."""

    batch: int
    width: int
    block_k: int
    n_in: int
    n_out: int
    out_size: int

    @classmethod
    def of(cls, batch: int, weight: Tensor) -> "Sizes":
        n_out, n_in, in_size, out_size = weight.shape
        width = n_in * in_size
        block_k = in_size if in_size in BLOCK_SIZES else min(64, max(16, power_of_two(in_size)))
        return cls(batch, width, block_k, ceil_div(width, block_k), n_out, out_size)

    @property
    def ragged(self) -> bool:
        """Whether the last input block is cut short."""
        return self.width % self.block_k != 0


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
