"""Sizes of a call, and what else decides how it is cut up."""

from dataclasses import dataclass

import torch
import triton
from torch import Tensor

from kernels.triton.support import BLOCK_SIZES


@dataclass(frozen=True)
class Sizes:
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
        block_k = in_size if in_size in BLOCK_SIZES else min(64, max(16, triton.next_power_of_2(in_size)))
        return cls(batch, width, block_k, triton.cdiv(width, block_k), n_out, out_size)

    @property
    def ragged(self) -> bool:
        """Whether the last input block is cut short."""
        return self.width % self.block_k != 0


def dot_precision(dtype: torch.dtype) -> str:
    """How Triton multiplies matrices of a dtype, after ``torch.get_float32_matmul_precision()``."""
    if dtype != torch.float32:
        return "ieee"
    return "tf32x3" if torch.get_float32_matmul_precision() == "highest" else "tf32"


def tuning_key(name: str, x: Tensor, sizes: Sizes, *more: object) -> tuple[object, ...]:
    """What a measured choice depends on; batches fall into buckets, the powers of two."""
    bucket = triton.next_power_of_2(sizes.batch)
    shape = (sizes.width, sizes.n_out, sizes.block_k, sizes.out_size)
    return (name, x.device, x.dtype, dot_precision(x.dtype), bucket, *shape, *more)
