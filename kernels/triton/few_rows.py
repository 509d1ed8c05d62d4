"""The operation for a few rows: one launch."""

import functools

import torch
from torch import Tensor

from kernels.reference import Activation
from kernels.triton.gemv import gated_gemv
from kernels.triton.sizes import Sizes, ceil_div, scales
from kernels.triton.start import Config, Launch

# An accumulator holds this many elements per warp, 32 a thread; masks of columns take registers too.
ELEMENTS_PER_WARP, WITH_MASKS = 1024, 512
# Up to so many rows, programs of 8 columns and 8 warps were the fastest on an H100; beyond, of 16 and 4.
NARROW_ROWS = 8


def few_rows(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    in_gates: Tensor | None,
    out_gates: Tensor | None,
    activation: Activation,
    hidden: Tensor | None,
) -> Tensor:
    """Compute the operation for a few rows; all tensors are contiguous."""
    sizes = Sizes.of(x.shape[0], weight, in_gated=in_gates is not None)
    y = x.new_empty(sizes.batch, sizes.outputs.width)
    launch = _launch(
        sizes,
        x.dtype,
        bias is not None,
        None if in_gates is None else in_gates.dtype,
        scales(in_gates),
        out_gates is not None,
        hidden is not None,
        activation,
    )
    launch(x=x, weight=weight, bias=bias, in_gates=in_gates, out_gates=out_gates, y=y, hidden=hidden)
    return y


@functools.cache
def _launch(
    sizes: Sizes,
    dtype: torch.dtype,
    biased: bool,
    in_dtype: torch.dtype | None,
    scaled: bool,
    out_gated: bool,
    hidden_stored: bool,
    activation: Activation,
) -> Launch:
    config = Config(8, 8) if sizes.batch <= NARROW_ROWS else Config(16, 4)
    inputs, outputs = sizes.inputs, sizes.outputs
    ragged_out = outputs.exceeded_by(config.size)
    elements = (WITH_MASKS if ragged_out else ELEMENTS_PER_WARP) * config.warps
    return Launch(
        gated_gemv,
        (outputs.blocks * ceil_div(outputs.size, config.size), sizes.batch),
        config,
        n_in=inputs.blocks,
        n_out=outputs.blocks,
        width=inputs.width,
        step_k=inputs.tile,
        in_size=inputs.size,
        out_size=outputs.size,
        columns=config.size,
        chunk=max(1, elements // (inputs.tile * config.size)),
        ragged_in=inputs.exceeded_by(inputs.tile),
        ragged_out=ragged_out,
        biased=biased,
        in_gated=in_dtype is not None,
        scaled=scaled,
        out_gated=out_gated,
        hidden_stored=hidden_stored,
        activation=activation,
    )
