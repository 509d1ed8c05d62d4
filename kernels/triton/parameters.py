"""Gradients before the activation, of output gates, weight and bias."""

import functools

import torch
from torch import Tensor

from kernels.reference import Activation
from kernels.triton.gate_parts import add_up, parts_of
from kernels.triton.gradients import bias_gradient, output_gradient, weight_gradient
from kernels.triton.planning import RowLists
from kernels.triton.sizes import Sizes, ceil_div, dot_precision, scales
from kernels.triton.start import Config, Launch

ROWS_OF_TILE = 16
BIAS_ROWS, BIAS_COLUMNS = 128, 16
# Of a weight with so few tiles each program may hold more rows at once, from so many rows on.
FEW_TILES, MANY_ROWS = 1024, 512


def before_activation(
    grad: Tensor,
    y: Tensor,
    out_gates: Tensor | None,
    weight: Tensor,
    activation: Activation,
    *,
    before_gates: bool,
    stored: bool,
    gate_gradient: Tensor | None,
) -> Tensor | None:
    """Gradient ``[B, n_out * out_size]`` before the activation, undefined in closed blocks, if ``stored``.

    ``y`` is the result, or what the activation returned if ``before_gates``.
    """
    if out_gates is None and activation == "identity":
        return grad
    if not stored and gate_gradient is None:
        return None
    before = torch.empty_like(grad) if stored else None
    sizes = Sizes.of(grad.shape[0], weight, in_gated=False)
    gate_parts = parts_of(gate_gradient, sizes.outputs.cuts)
    launch = _output_launch(
        sizes,
        grad.dtype,
        out_gates is not None,
        before_gates,
        activation,
        stored,
        gate_gradient is not None,
    )
    launch(grad=grad, y=y, out_gates=out_gates, before=before, gate_gradient=gate_parts)
    add_up(gate_parts, gate_gradient)
    return before


def weight_config(sizes: Sizes, dtype: torch.dtype) -> Config:
    """How the gradient of the weight is cut up, after times on an H100 of blocks of 64; larger parts spill registers.

    The same for the same sizes always, so that results do not depend on what a clock has shown.
    """
    inputs, outputs = sizes.inputs, sizes.outputs
    large = inputs.tile * outputs.tile > 64 * 128
    if dtype == torch.float32:
        chunk = 16 if large or sizes.batch <= 256 else 32
    else:
        chunk = 128 if inputs.tiles * outputs.tiles <= FEW_TILES and sizes.batch >= MANY_ROWS and not large else 32
    return Config(chunk, 8 if large else 4)


def of_weight(
    x: Tensor, before: Tensor, weight: Tensor, in_gates: Tensor | None, lists: RowLists | None, listed: str
) -> Tensor:
    """Gradient of the weight; ``listed`` says of which side ``lists`` are, "out" or "in", or "all" without lists."""
    gradient = torch.empty_like(weight)
    launch = _weight_launch(
        Sizes.of(x.shape[0], weight, in_gated=in_gates is not None),
        x.dtype,
        dot_precision(x.dtype),
        listed,
        None if in_gates is None else in_gates.dtype,
        scales(in_gates),
    )
    launch(
        x=x,
        before=before,
        in_gates=in_gates,
        rows=None if lists is None else lists.rows,
        counts=None if lists is None else lists.counts,
        gradient=gradient,
    )
    return gradient


def of_bias(before: Tensor, weight: Tensor, lists: RowLists | None) -> Tensor:
    """Gradient of the bias; ``lists`` are of the output blocks, or None for all rows."""
    sizes = Sizes.of(before.shape[0], weight, in_gated=False)
    gradient = before.new_empty(sizes.outputs.width)
    rows, counts = (None, None) if lists is None else lists
    _bias_launch(sizes, before.dtype, lists is not None)(before=before, rows=rows, counts=counts, gradient=gradient)
    return gradient


@functools.cache
def _output_launch(
    sizes: Sizes,
    dtype: torch.dtype,
    gated: bool,
    before_gates: bool,
    activation: Activation,
    stored: bool,
    gate_gradient_stored: bool,
) -> Launch:
    return Launch(
        output_gradient,
        (ceil_div(sizes.batch, ROWS_OF_TILE), sizes.outputs.tiles),
        Config(0),
        batch=sizes.batch,
        n_out=sizes.outputs.blocks,
        tile_rows=ROWS_OF_TILE,
        columns=sizes.outputs.tile,
        out_size=sizes.outputs.size,
        gated=gated,
        before_gates=before_gates,
        activation=activation,
        stored=stored,
        gate_gradient_stored=gate_gradient_stored,
    )


@functools.cache
def _weight_launch(
    sizes: Sizes, dtype: torch.dtype, precision: str, listed: str, in_dtype: torch.dtype | None, scaled: bool
) -> Launch:
    config = weight_config(sizes, dtype)
    inputs, outputs = sizes.inputs, sizes.outputs
    return Launch(
        weight_gradient,
        (inputs.tiles, outputs.tiles),
        config,
        batch=sizes.batch,
        n_in=inputs.blocks,
        n_out=outputs.blocks,
        width=inputs.width,
        chunk=config.size,
        tile_in=inputs.tile,
        tile_out=outputs.tile,
        in_size=inputs.size,
        out_size=outputs.size,
        ragged_in=inputs.exceeded_by(inputs.tile),
        ragged_out=outputs.exceeded_by(outputs.tile),
        listed=listed,
        in_gated=in_dtype is not None,
        scaled=scaled,
        precision=precision,
    )


@functools.cache
def _bias_launch(sizes: Sizes, dtype: torch.dtype, listed: bool) -> Launch:
    return Launch(
        bias_gradient,
        (sizes.outputs.blocks, ceil_div(sizes.outputs.size, BIAS_COLUMNS)),
        Config(0),
        batch=sizes.batch,
        n_out=sizes.outputs.blocks,
        chunk=BIAS_ROWS,
        out_size=sizes.outputs.size,
        columns=BIAS_COLUMNS,
        listed=listed,
    )
