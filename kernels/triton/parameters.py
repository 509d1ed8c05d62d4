"""Gradients before the activation, of output gates, weight and bias."""

import functools

import torch
from torch import Tensor

from kernels.reference import Activation
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
    launch = _output_launch(
        Sizes.of(grad.shape[0], weight),
        grad.dtype,
        out_gates is not None,
        before_gates,
        activation,
        stored,
        gate_gradient is not None,
    )
    launch(grad=grad, y=y, out_gates=out_gates, before=before, gate_gradient=gate_gradient)
    return before


def weight_config(sizes: Sizes, dtype: torch.dtype) -> Config:
    """How the gradient of the weight is cut up, after times on an H100 of blocks of 64; larger parts spill registers.

    The same for the same sizes always, so that results do not depend on what a clock has shown.
    """
    large = sizes.block_k * sizes.out_size > 64 * 128
    if dtype == torch.float32:
        chunk = 16 if large or sizes.batch <= 256 else 32
    else:
        chunk = 128 if sizes.n_in * sizes.n_out <= FEW_TILES and sizes.batch >= MANY_ROWS and not large else 32
    return Config(chunk, 8 if large else 4)


def of_weight(
    x: Tensor, before: Tensor, weight: Tensor, in_gates: Tensor | None, lists: RowLists | None, listed: str
) -> Tensor:
    """Gradient of the weight; ``listed`` says of which side ``lists`` are, "out" or "in", or "all" without lists."""
    gradient = torch.empty_like(weight)
    launch = _weight_launch(
        Sizes.of(x.shape[0], weight),
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
    sizes = Sizes.of(before.shape[0], weight)
    gradient = before.new_empty(sizes.n_out * sizes.out_size)
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
        (ceil_div(sizes.batch, ROWS_OF_TILE), sizes.n_out),
        Config(0),
        batch=sizes.batch,
        n_out=sizes.n_out,
        tile_rows=ROWS_OF_TILE,
        out_size=sizes.out_size,
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
    return Launch(
        weight_gradient,
        (sizes.n_in, sizes.n_out),
        config,
        batch=sizes.batch,
        n_in=sizes.n_in,
        n_out=sizes.n_out,
        width=sizes.width,
        chunk=config.size,
        block_k=sizes.block_k,
        out_size=sizes.out_size,
        ragged=sizes.ragged,
        listed=listed,
        in_gated=in_dtype is not None,
        scaled=scaled,
        precision=precision,
    )


@functools.cache
def _bias_launch(sizes: Sizes, dtype: torch.dtype, listed: bool) -> Launch:
    return Launch(
        bias_gradient,
        (sizes.n_out, sizes.out_size // BIAS_COLUMNS),
        Config(0),
        batch=sizes.batch,
        n_out=sizes.n_out,
        chunk=BIAS_ROWS,
        out_size=sizes.out_size,
        columns=BIAS_COLUMNS,
        listed=listed,
    )
