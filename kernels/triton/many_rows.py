"""The gathered matrix product for many rows: plan, then multiply."""

import functools

import torch
from torch import Tensor

from kernels.reference import Activation
from kernels.triton.gate_parts import add_up, parts_of
from kernels.triton.grouped import grouped_product
from kernels.triton.planning import RowLists, gate_words, source_blocks
from kernels.triton.sizes import Sizes, ceil_div, dot_precision, power_of_two, scales
from kernels.triton.start import Config, Launch

# What the stages of a pipeline may take, since the GPUs of compute capability 8.6 and 8.9 have 99 KiB.
PIPELINE_BYTES = 96 * 1024


def tile_config(batch: int, columns: int, dtype: torch.dtype, *, source_gated: bool, result_gated: bool) -> Config:
    """How tiles of ``columns`` of the grouped product are cut, after times on an H100 of blocks of 64.

    The same for the same sizes always, so that results do not depend on what a clock has shown.
    """
    if dtype == torch.float32:
        # Each product is three of tf32, which need registers for both halves of either operand.
        rows, stages = (128 if batch > 1024 and not result_gated else 16), 3
        most, step = 64 * 128, _step(columns, dtype)
    else:
        both = source_gated and result_gated
        rows = 64 if batch <= 1024 or both or (result_gated and batch <= 4096) else 128
        rows = 16 if batch <= 256 else rows
        # Few tiles wait for memory, many hide that behind one another and share the memory of a processor.
        stages = 6 if batch <= 1024 or both else 4
        most, step = 128 * 128, _step(columns, dtype)
    rows = min(rows, most // columns, max(16, power_of_two(batch)))
    bytes_of_stage = (rows + columns) * step * dtype.itemsize
    warps = 8 if rows * columns > (4096 if dtype == torch.float32 else 8192) else 4
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
    of_input = result_gates if swapped else source_gates
    sizes = Sizes.of(source.shape[0], weight, in_gated=of_input is not None)
    of_source, of_result = (sizes.outputs, sizes.inputs) if swapped else (sizes.inputs, sizes.outputs)
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
        words = gate_words(source_gates)
        blocks, block_counts = source_blocks(words, of_source.blocks, sizes.batch, config.size, result_lists)
    gate_parts = parts_of(gate_gradient, of_result.cuts)
    launch(
        source=source,
        weight=weight,
        bias=bias,
        source_gates=source_gates,
        result_gates=result_gates,
        factor=factor,
        result=result,
        gate_gradient=gate_parts,
        hidden=hidden,
        rows=None if result_lists is None else result_lists.rows,
        counts=None if result_lists is None else result_lists.counts,
        blocks=blocks,
        block_counts=block_counts,
    )
    add_up(gate_parts, gate_gradient)


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
    source, result = (sizes.outputs, sizes.inputs) if swapped else (sizes.inputs, sizes.outputs)
    of_input, of_output = sizes.inputs.size * sizes.outputs.size, sizes.inputs.width * sizes.outputs.size
    gated = {"source_gated": source_dtype is not None, "result_gated": result_dtype is not None}
    config = tile_config(sizes.batch, result.tile, dtype, **gated)
    step_k = min(source.tile, _step(result.tile, dtype))
    launch = Launch(
        grouped_product,
        (ceil_div(sizes.batch, config.size) * result.tiles,),
        config,
        batch=sizes.batch,
        n_source=source.blocks,
        n_result=result.blocks,
        source_width=source.width,
        result_width=result.width,
        source_stride=of_output if swapped else of_input,
        result_stride=of_input if swapped else of_output,
        tile_rows=config.size,
        step_k=step_k,
        columns=result.tile,
        source_size=source.size,
        result_size=result.size,
        transposed=swapped,
        ragged_source=source.exceeded_by(step_k),
        ragged_result=result.exceeded_by(result.tile),
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


def _step(columns: int, dtype: torch.dtype) -> int:
    """How much of a source block is multiplied at once."""
    return (16 if columns > 64 else 32) if dtype == torch.float32 else 64
