"""Device code for batches of a few rows: one launch, nothing planned, each open block read once per row."""

import triton
import triton.language as tl

from kernels.triton.blocks import inside
from kernels.triton.elementwise import activate


@triton.jit
def gated_gemv(
    x,
    weight,
    bias,
    in_gates,
    out_gates,
    y,
    hidden,
    n_in,
    n_out,
    width,
    step_k: tl.constexpr,
    in_size: tl.constexpr,
    out_size: tl.constexpr,
    columns: tl.constexpr,
    chunk: tl.constexpr,
    ragged_in: tl.constexpr,
    ragged_out: tl.constexpr,
    biased: tl.constexpr,
    in_gated: tl.constexpr,
    scaled: tl.constexpr,
    out_gated: tl.constexpr,
    hidden_stored: tl.constexpr,
    activation: tl.constexpr,
):
    """Compute ``columns`` columns of one output block for one row; the grid is (n_out * cuts, B), ``cuts`` per block.

    ``width`` input features lie in ``n_in`` blocks of ``in_size``, of which ``chunk`` parts of ``step_k`` are read at
    once; ragged are blocks that parts or columns exceed. Input gates only mask unless ``scaled``. ``hidden`` receives
    the activation before the output gates.
    """
    row = tl.program_id(1)
    cuts: tl.constexpr = (out_size + columns - 1) // columns
    parts: tl.constexpr = (in_size + step_k - 1) // step_k
    out = tl.program_id(0) // cuts
    column = tl.program_id(0) % cuts * columns + tl.arange(0, columns)
    in_block = column < out_size
    stored = in_block if ragged_out else None
    gate = 1.0
    if out_gated:
        gate = tl.load(out_gates + row * n_out + out).to(tl.float32)
    value = tl.zeros([columns], tl.float32)
    if gate != 0:
        # Whole blocks are masked, never single features, so that loads stay vectorised.
        feature = tl.arange(0, step_k)
        total = tl.zeros([chunk, step_k, columns], tl.float32)
        for first in range(0, n_in * parts, chunk):
            part = first + tl.arange(0, chunk)
            block = part // parts
            is_read = block < n_in
            if in_gated:
                in_gate = tl.load(in_gates + row * n_in + block, mask=is_read, other=0)
                is_read = in_gate != 0
            at = (block * in_size + part % parts * step_k)[:, None] + feature[None, :]
            mask = is_read[:, None]
            if ragged_in:
                mask = mask & inside(at, block[:, None], in_size, step_k, width)
            a = tl.load(x + row * width + at, mask=mask, other=0.0).to(tl.float32)
            if scaled:
                a = a * in_gate.to(tl.float32)[:, None]
            tile = weight + (out * width + at[:, :, None]) * out_size + column[None, None, :]
            if ragged_out:
                w = tl.load(tile, mask=mask[:, :, None] & in_block[None, None, :], other=0.0).to(tl.float32)
            else:
                w = tl.load(tile, mask=mask[:, :, None], other=0.0).to(tl.float32)
            total += a[:, :, None] * w
        value = tl.sum(tl.sum(total, axis=0), axis=0)
        if biased:
            value += tl.load(bias + out * out_size + column, mask=stored).to(tl.float32)
        value = activate(value, activation)
        if hidden_stored:
            tl.store(hidden + (row * n_out + out) * out_size + column, value, mask=stored)
        value *= gate
    tl.store(y + (row * n_out + out) * out_size + column, value, mask=stored)
