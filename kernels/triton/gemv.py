"""Device code for batches of a few rows: one launch, nothing planned, each open block read once per row."""

import triton
import triton.language as tl

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
    block_k: tl.constexpr,
    out_size: tl.constexpr,
    columns: tl.constexpr,
    chunk: tl.constexpr,
    ragged: tl.constexpr,
    biased: tl.constexpr,
    in_gated: tl.constexpr,
    scaled: tl.constexpr,
    out_gated: tl.constexpr,
    hidden_stored: tl.constexpr,
    activation: tl.constexpr,
):
    """Compute ``columns`` columns of one output block for one row; the grid is (n_out * out_size / columns, B).

    ``width`` input features lie in ``n_in`` blocks of ``block_k``, of which the last may be ``ragged``. Input gates
    only mask unless ``scaled``. ``hidden`` receives the activation before the output gates.
    """
    row = tl.program_id(1)
    out = tl.program_id(0) // (out_size // columns)
    column = tl.program_id(0) % (out_size // columns) * columns + tl.arange(0, columns)
    gate = 1.0
    if out_gated:
        gate = tl.load(out_gates + row * n_out + out).to(tl.float32)
    value = tl.zeros([columns], tl.float32)
    if gate != 0:
        # Whole blocks are masked, never single features, so that loads stay vectorised.
        feature = tl.arange(0, block_k)
        total = tl.zeros([chunk, block_k, columns], tl.float32)
        for first in range(0, n_in, chunk):
            block = first + tl.arange(0, chunk)
            is_read = block < n_in
            if in_gated:
                in_gate = tl.load(in_gates + row * n_in + block, mask=is_read, other=0)
                is_read = in_gate != 0
            at = block[:, None] * block_k + feature[None, :]
            mask = is_read[:, None] & (at < width) if ragged else is_read[:, None]
            a = tl.load(x + row * width + at, mask=mask, other=0.0).to(tl.float32)
            if scaled:
                a = a * in_gate.to(tl.float32)[:, None]
            tile = weight + (out * width + at[:, :, None]) * out_size + column[None, None, :]
            w = tl.load(tile, mask=mask[:, :, None], other=0.0).to(tl.float32)
            total += a[:, :, None] * w
        value = tl.sum(tl.sum(total, axis=0), axis=0)
        if biased:
            value += tl.load(bias + out * out_size + column).to(tl.float32)
        value = activate(value, activation)
        if hidden_stored:
            tl.store(hidden + (row * n_out + out) * out_size + column, value)
        value *= gate
    tl.store(y + (row * n_out + out) * out_size + column, value)
