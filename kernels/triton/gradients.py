"""Device code of the gradients before the activation, of output gates, weight and bias; each sum has one order."""

import triton
import triton.language as tl

from kernels.triton.elementwise import product, through_activation


@triton.jit
def output_gradient(
    grad,
    y,
    out_gates,
    before,
    gate_gradient,
    batch,
    n_out,
    tile_rows: tl.constexpr,
    out_size: tl.constexpr,
    gated: tl.constexpr,
    before_gates: tl.constexpr,
    activation: tl.constexpr,
    stored: tl.constexpr,
    gate_gradient_stored: tl.constexpr,
):
    """Turn ``grad``, that of ``y``, into that of the product ``before`` the activation; the grid is (B / rows, n_out).

    Closed blocks of ``before`` are not written. ``y`` has been multiplied by its gates unless it is what was
    ``before_gates``. Writes ``gate_gradient [batch, n_out]`` too, 0 where closed.
    """
    row = tl.program_id(0) * tile_rows + tl.arange(0, tile_rows)
    out = tl.program_id(1)
    inside = row < batch
    mask = inside
    at = (row[:, None] * n_out + out) * out_size + tl.arange(0, out_size)[None, :]
    if gated:
        gate = tl.load(out_gates + row * n_out + out, mask=inside, other=0.0).to(tl.float32)
        mask = gate != 0
    gradient = tl.load(grad + at, mask=mask[:, None], other=0.0).to(tl.float32)
    h = tl.load(y + at, mask=mask[:, None], other=0.0).to(tl.float32)
    if gated:
        if not before_gates:
            h = h / tl.where(mask, gate, 1.0)[:, None]
        if gate_gradient_stored:
            tl.store(gate_gradient + row * n_out + out, tl.sum(gradient * h, axis=1), mask=inside)
        gradient *= gate[:, None]
    if stored:
        tl.store(before + at, through_activation(gradient, h, activation), mask=mask[:, None])


@triton.jit
def weight_gradient(
    x,
    before,
    in_gates,
    rows,
    counts,
    gradient,
    batch,
    n_in,
    n_out,
    width,
    chunk: tl.constexpr,
    block_k: tl.constexpr,
    out_size: tl.constexpr,
    ragged: tl.constexpr,
    listed: tl.constexpr,
    in_gated: tl.constexpr,
    scaled: tl.constexpr,
    precision: tl.constexpr,
):
    """Sum the outer products of one tile's input and output over its rows; the grid is (n_in, n_out).

    ``before [batch, n_out * out_size]`` is the gradient before the activation. If ``listed`` is "out" or "in", rows
    come from the list of that side's block, else ("all") every row counts. Input gates only mask unless ``scaled``.
    """
    block = tl.program_id(0)
    out = tl.program_id(1)
    k = block * block_k + tl.arange(0, block_k)
    n = tl.arange(0, out_size)
    group = out if listed == "out" else block
    count = batch
    if listed != "all":
        count = tl.load(counts + group)
    total = tl.zeros([block_k, out_size], tl.float32)
    for first in range(0, count, chunk):
        row = first + tl.arange(0, chunk)
        mask = row < count
        if listed != "all":
            row = tl.load(rows + group * batch + row, mask=mask, other=0)
        if in_gated:
            gate = tl.load(in_gates + row * n_in + block, mask=mask, other=0)
            mask = gate != 0
        from_x = x + row[:, None] * width + k[None, :]
        if ragged:
            a = tl.load(from_x, mask=mask[:, None] & (k < width)[None, :], other=0.0)
        else:
            a = tl.load(from_x, mask=mask[:, None], other=0.0)
        b = tl.load(before + (row[:, None] * n_out + out) * out_size + n[None, :], mask=mask[:, None], other=0.0)
        if scaled:
            a = (a.to(tl.float32) * gate.to(tl.float32)[:, None]).to(b.dtype)
        total = product(tl.trans(a), b, total, precision)
    to = gradient + (out * width + k[:, None]) * out_size + n[None, :]
    if ragged:
        tl.store(to, total, mask=(k < width)[:, None])
    else:
        tl.store(to, total)


@triton.jit
def bias_gradient(
    before,
    rows,
    counts,
    gradient,
    batch,
    n_out,
    chunk: tl.constexpr,
    out_size: tl.constexpr,
    columns: tl.constexpr,
    listed: tl.constexpr,
):
    """Sum ``before`` over the rows that open an output block; the grid is (n_out, out_size / columns)."""
    out = tl.program_id(0)
    column = tl.program_id(1) * columns + tl.arange(0, columns)
    count = batch
    if listed:
        count = tl.load(counts + out)
    total = tl.zeros([chunk, columns], tl.float32)
    for first in range(0, count, chunk):
        row = first + tl.arange(0, chunk)
        mask = row < count
        if listed:
            row = tl.load(rows + out * batch + row, mask=mask, other=0)
        at = (row[:, None] * n_out + out) * out_size + column[None, :]
        total += tl.load(before + at, mask=mask[:, None], other=0.0).to(tl.float32)
    tl.store(gradient + out * out_size + column, tl.sum(total, axis=0))
