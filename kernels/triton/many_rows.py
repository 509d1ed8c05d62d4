"""The gathered matrix product for many rows: plan, then multiply."""

import functools

import torch
from torch import Tensor

from kernels.reference import Activation
from kernels.triton.grouped import grouped_product
from kernels.triton.planning import RowLists, gate_words, source_blocks
from kernels.triton.sizes import Sizes, ceil_div, dot_precision, power_of_two, scales
from kernels.triton.start import Config, Launch

# What the stages of a pipeline may take, since the GPUs of compute capability 8.6 and 8.9 have 99 KiB.
PIPELINE_BYTES = 96 * 1024


def tile_config(batch: int, block_n: int, dtype: torch.dtype, *, source_gated: bool, result_gated: bool) -> Config:
    """How tiles of the grouped product are cut, after times on an H100 of blocks of 64.

    The same for the same sizes always, so that results do not depend on what a clock has shown.
    """
    if dtype == torch.float32:
        # Each product is three of tf32, which need registers for both halves of either operand.
        rows, stages = (128 if batch > 1024 and not result_gated else 16), 3
        most, step = 64 * 128, _step(block_n, dtype)
    else:
        both = source_gated and result_gated
        rows = 64 if batch <= 1024 or both or (result_gated and batch <= 4096) else 128
        rows = 16 if batch <= 256 else rows
        # Few tiles wait for memory, many hide that behind one another and share the memory of a processor.
        stages = 6 if batch <= 1024 or both else 4
        most, step = 128 * 128, _step(block_n, dtype)
    rows = min(rows, most // block_n, max(16, power_of_two(batch)))
    bytes_of_stage = (rows + block_n) * step * dtype.itemsize
    warps = 8 if rows * block_n > (4096 if dtype == torch.float32 else 8192) else 4
    return Config(rows, warps, max(2, min(stages, PIPELINE_BYTES // bytes_of_stage)))


def many_rows(
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
    hidden: Tensor | None = None,
    activation: Activation = "identity",
    swapped: bool = False,
) -> None:
    """Write ``activation((source * source_gates) W + bias) * result_gates`` into ``result``, 0 into closed blocks.

    If ``swapped``, the source lies on the output side of W, and its gates only mask. ``gate_gradient [B, n_result]``
    receives the sum over each open block of the result before its gate, times ``factor``; ``hidden``, shaped like the
    result, that result. ``result_lists`` are of ``result_gates``.
    """
    sizes = Sizes.of(source.shape[0], weight)
    config, launch = _launch(
        sizes,
        source.dtype,
        dot_precision(source.dtype),
        bias is not None,
        None if source_gates is None else source_gates.dtype,
        None if result_gates is None else result_gates.dtype,
        scales(source_gates) and not swapped,
        activation,
        swapped,
        result is not None,
        hidden is not None,
        gate_gradient is not None,
    )
    blocks = block_counts = None
    if source_gates is not None:
        n_source = sizes.n_out if swapped else sizes.n_in
        blocks, block_counts = source_blocks(gate_words(source_gates), n_source, sizes.batch, config.size, result_lists)
    launch(
        source=source,
        weight=weight,
        bias=bias,
        source_gates=source_gates,
        result_gates=result_gates,
        factor=factor,
        result=result,
        gate_gradient=gate_gradient,
        hidden=hidden,
        rows=None if result_lists is None else result_lists.rows,
        counts=None if result_lists is None else result_lists.counts,
        blocks=blocks,
        block_counts=block_counts,
    )


@functools.cache
def _launch(
    sizes: Sizes,
    dtype: torch.dtype,
    precision: str,
    biased: bool,
    source_dtype: torch.dtype | None,
    result_dtype: torch.dtype | None,
    scaled: bool,
    activation: Activation,
    swapped: bool,
    stored: bool,
    hidden_stored: bool,
    gate_gradient_stored: bool,
) -> tuple[Config, Launch]:
    of_input = (sizes.n_in, sizes.block_k, sizes.width, sizes.block_k * sizes.out_size)
    of_output = (sizes.n_out, sizes.out_size, sizes.n_out * sizes.out_size, sizes.width * sizes.out_size)
    n_source, block_k, source_width, source_stride = of_output if swapped else of_input
    n_result, block_n, result_width, result_stride = of_input if swapped else of_output
    gated = {"source_gated": source_dtype is not None, "result_gated": result_dtype is not None}
    config = tile_config(sizes.batch, block_n, dtype, **gated)
    launch = Launch(
        grouped_product,
        (ceil_div(sizes.batch, config.size) * n_result,),
        config,
        batch=sizes.batch,
        n_source=n_source,
        n_result=n_result,
        source_width=source_width,
        result_width=result_width,
        source_stride=source_stride,
        result_stride=result_stride,
        tile_rows=config.size,
        step_k=min(block_k, _step(block_n, dtype)),
        block_k=block_k,
        block_n=block_n,
        transposed=swapped,
        ragged_source=sizes.ragged and not swapped,
        ragged_result=sizes.ragged and swapped,
        scaled=scaled,
        biased=biased,
        activation=activation,
        stored=stored,
        hidden_stored=hidden_stored,
        gate_gradient_stored=gate_gradient_stored,
        precision=precision,
        **gated,
    )
    return config, launch


def _step(block_n: int, dtype: torch.dtype) -> int:
    """How much of a source block is multiplied at once."""
    return (16 if block_n > 64 else 32) if dtype == torch.float32 else 64
