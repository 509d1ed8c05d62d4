"""Grids and arguments of the kernels."""

from dataclasses import dataclass
from typing import Any

import torch
import triton
from torch import Tensor

from kernels.reference import Activation
from kernels.triton.gemv import gated_gemv
from kernels.triton.gradients import bias_gradient, output_gradient, weight_gradient
from kernels.triton.grouped import grouped_product
from kernels.triton.planning import RowLists, gate_words, plan_tiles
from kernels.triton.start import start
from kernels.triton.support import BLOCK_SIZES
from kernels.triton.tuning import Config, with_best

ROWS_OF_OUTPUT_TILE = 16
# An accumulator of gemv holds this many elements per warp, 32 a thread.
GEMV_ELEMENTS = 1024


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


def gemv(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    in_gates: Tensor | None,
    out_gates: Tensor | None,
    activation: Activation,
) -> Tensor:
    """Compute the operation for a few rows; all tensors are contiguous."""
    sizes = Sizes.of(x.shape[0], weight)
    y = x.new_empty(sizes.batch, sizes.n_out * sizes.out_size)
    arguments: dict[str, Any] = {
        "x": x,
        "weight": weight,
        "bias": bias,
        "in_gates": in_gates,
        "out_gates": out_gates,
        "y": y,
        "n_in": sizes.n_in,
        "n_out": sizes.n_out,
        "width": sizes.width,
        "block_k": sizes.block_k,
        "out_size": sizes.out_size,
        "ragged": sizes.ragged,
        "biased": bias is not None,
        "in_gated": in_gates is not None,
        "out_gated": out_gates is not None,
        "activation": activation,
    }

    def attempt(config: Config) -> None:
        cut = {
            "columns": config.size,
            "chunk": max(1, GEMV_ELEMENTS * config.warps // (sizes.block_k * config.size)),
        }
        grid = (sizes.n_out * sizes.out_size // config.size, sizes.batch)
        start(gated_gemv, grid, {**arguments, **cut}, config)

    key = tuning_key("gemv", x, sizes, in_gates is not None, out_gates is not None)
    with_best(key, [Config(16, warps) for warps in (4, 8)] + [Config(min(32, sizes.out_size))], attempt)
    return y


def tile_configs(batch: int, block_n: int, dtype: torch.dtype, *, gated: bool) -> list[Config]:
    """Candidates for tiles of the grouped product, the one for unmeasured use first."""
    # Each float32 product is three of tf32, which need registers for both halves of either operand.
    per_warp, most = (1024, 64 * 128) if dtype == torch.float32 else (2048, 128 * 128)
    limit = min(128, max(16, triton.next_power_of_2(batch)))
    rows = [size for size in (64, 16, 32, 128) if size <= limit and size * block_n <= most]
    # A gated source is found by a chain of three loads, each of which takes up a stage.
    return [Config(size, 8 if size * block_n > 4 * per_warp else 4, 5 if gated else 3) for size in rows]


def grouped(
    result: Tensor | None,
    gate_gradient: Tensor | None,
    *,
    source: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    source_gates: Tensor | None,
    result_gates: Tensor | None,
    result_lists: RowLists | None,
    factor: Tensor | None = None,
    activation: Activation = "identity",
    swapped: bool = False,
) -> None:
    """Write ``activation((source * source_gates) W + bias) * result_gates`` into the open blocks of ``result``.

    If ``swapped``, the source lies on the output side of W, and its gates only mask. ``gate_gradient [B, n_result]``
    receives the sum over each open block of the result before its gate, times ``factor``. ``result_lists`` are of
    ``result_gates``.
    """
    sizes = Sizes.of(source.shape[0], weight)
    of_input = (sizes.n_in, sizes.block_k, sizes.width, sizes.block_k * sizes.out_size)
    of_output = (sizes.n_out, sizes.out_size, sizes.n_out * sizes.out_size, sizes.width * sizes.out_size)
    n_source, block_k, source_width, source_stride = of_output if swapped else of_input
    n_result, block_n, result_width, result_stride = of_input if swapped else of_output
    arguments = {
        "source": source,
        "weight": weight,
        "bias": bias,
        "source_gates": source_gates,
        "result_gates": result_gates,
        "factor": factor,
        "result": result,
        "gate_gradient": gate_gradient,
        "batch": sizes.batch,
        "n_source": n_source,
        "n_result": n_result,
        "source_width": source_width,
        "result_width": result_width,
        "source_stride": source_stride,
        "result_stride": result_stride,
        "step_k": min(block_k, (16 if block_n > 64 else 32) if source.dtype == torch.float32 else 64),
        "block_k": block_k,
        "block_n": block_n,
        "transposed": swapped,
        "ragged_source": sizes.ragged and not swapped,
        "ragged_result": sizes.ragged and swapped,
        "source_gated": source_gates is not None,
        "result_gated": result_gates is not None,
        "scaled": source_gates is not None and not swapped,
        "biased": bias is not None,
        "activation": activation,
        "stored": result is not None,
        "gate_gradient_stored": gate_gradient is not None,
        "precision": dot_precision(source.dtype),
    }
    words = None if source_gates is None else gate_words(source_gates)

    def attempt(config: Config) -> None:
        plan = plan_tiles(sizes.batch, result_lists, source_gates, words, config.size)
        planned = {
            "rows": None if plan.lists is None else plan.lists.rows,
            "counts": None if plan.lists is None else plan.lists.counts,
            "groups": plan.groups,
            "starts": plan.starts,
            "blocks": plan.blocks,
            "block_counts": plan.block_counts,
            "tile_rows": plan.tile_rows,
        }
        grid = (plan.tiles, n_result if result_gates is None else 1)
        start(grouped_product, grid, {**arguments, **planned}, config)

    configs = tile_configs(sizes.batch, block_n, source.dtype, gated=source_gates is not None)
    sides = (source_gates is not None, result_gates is not None, swapped)
    with_best(tuning_key("grouped", source, sizes, *sides), configs, attempt)


def before_activation(
    grad: Tensor,
    y: Tensor,
    out_gates: Tensor | None,
    weight: Tensor,
    activation: Activation,
    *,
    stored: bool,
    gate_gradient: Tensor | None,
) -> Tensor | None:
    """Gradient ``[B, n_out * out_size]`` before the activation, undefined in closed blocks, if ``stored``."""
    if out_gates is None and activation == "identity":
        return grad
    n_out, _, _, out_size = weight.shape
    before = torch.empty_like(grad) if stored else None
    arguments = {
        "grad": grad,
        "y": y,
        "out_gates": out_gates,
        "before": before,
        "gate_gradient": gate_gradient,
        "batch": grad.shape[0],
        "n_out": n_out,
        "tile_rows": ROWS_OF_OUTPUT_TILE,
        "out_size": out_size,
        "gated": out_gates is not None,
        "activation": activation,
        "stored": stored,
        "gate_gradient_stored": gate_gradient is not None,
    }
    start(output_gradient, (triton.cdiv(grad.shape[0], ROWS_OF_OUTPUT_TILE), n_out), arguments, Config(0))
    return before


def weight_configs(sizes: Sizes, dtype: torch.dtype) -> list[Config]:
    """Candidates for the gradient of the weight, the one for unmeasured use first; larger ones spill registers."""
    elements = sizes.block_k * sizes.out_size
    chunks: tuple[int, ...] = (32, 16, 64)
    if dtype == torch.float32:
        chunks = (16,) if elements > 64 * 128 else (32, 16)
    return [Config(chunk, 8 if elements > 64 * 128 else 4) for chunk in chunks]


def of_weight(
    x: Tensor, before: Tensor, weight: Tensor, in_gates: Tensor | None, lists: RowLists | None, listed: str
) -> Tensor:
    """Gradient of the weight; ``listed`` says of which side ``lists`` are, "out" or "in", or "all" without lists."""
    sizes = Sizes.of(x.shape[0], weight)
    gradient = torch.empty_like(weight)
    arguments = {
        "x": x,
        "before": before,
        "in_gates": in_gates,
        "rows": None if lists is None else lists.rows,
        "counts": None if lists is None else lists.counts,
        "gradient": gradient,
        "batch": sizes.batch,
        "n_in": sizes.n_in,
        "n_out": sizes.n_out,
        "width": sizes.width,
        "block_k": sizes.block_k,
        "out_size": sizes.out_size,
        "ragged": sizes.ragged,
        "listed": listed,
        "in_gated": in_gates is not None,
        "precision": dot_precision(x.dtype),
    }

    def attempt(config: Config) -> None:
        start(weight_gradient, (sizes.n_in, sizes.n_out), {**arguments, "chunk": config.size}, config)

    key = tuning_key("weight", x, sizes, in_gates is not None, listed)
    with_best(key, weight_configs(sizes, x.dtype), attempt)
    return gradient


def of_bias(before: Tensor, weight: Tensor, lists: RowLists | None) -> Tensor:
    """Gradient of the bias; ``lists`` are of the output blocks, or None for all rows."""
    n_out, _, _, out_size = weight.shape
    gradient = before.new_empty(n_out * out_size)
    columns = 16
    arguments = {
        "before": before,
        "rows": None if lists is None else lists.rows,
        "counts": None if lists is None else lists.counts,
        "gradient": gradient,
        "batch": before.shape[0],
        "n_out": n_out,
        "chunk": 128,
        "out_size": out_size,
        "columns": columns,
        "listed": lists is not None,
    }
    start(bias_gradient, (n_out, out_size // columns), arguments, Config(0))
    return gradient
