"""Device code of the gradients before the activation, of output gates, weight and bias; each sum has one order."""

import triton
import triton.language as tl

from kernels.triton.blocks import inside
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
    columns: tl.constexpr,
    out_size: tl.constexpr,
    gated: tl.constexpr,
    before_gates: tl.constexpr,
    activation: tl.constexpr,
    stored: tl.constexpr,
    gate_gradient_stored: tl.constexpr,
):
    """Turn ``grad``, that of ``y``, into that of the product ``before`` the activation, for a tile of rows and columns.

    The grid is (row tiles, n_out * cuts), where ``cuts`` tiles of ``columns`` cover a block. Closed blocks of
    ``before`` are not written. ``y`` has been multiplied by its gates unless it is what was ``before_gates``. Writes
    ``gate_gradient [cuts, batch, n_out]`` too, each tile's part, 0 where closed.
    """
    cuts: tl.constexpr = (out_size + columns - 1) // columns
    row = tl.program_id(0) * tile_rows + tl.arange(0, tile_rows)
    cut = tl.program_id(1) % cuts
    out = tl.program_id(1) // cuts
    column = cut * columns + tl.arange(0, columns)
    is_row = row < batch
    is_open = is_row
    at = (row[:, None] * n_out + out) * out_size + column[None, :]
    if gated:
        gate = tl.load(out_gates + row * n_out + out, mask=is_row, other=0.0).to(tl.float32)
        is_open = gate != 0
    mask = is_open[:, None]
    if out_size % columns != 0:
        mask = mask & (column < out_size)[None, :]
    gradient = tl.load(grad + at, mask=mask, other=0.0).to(tl.float32)
    h = tl.load(y + at, mask=mask, other=0.0).to(tl.float32)
    if gated:
        if not before_gates:
            h = h / tl.where(is_open, gate, 1.0)[:, None]
        if gate_gradient_stored:
            part = gate_gradient + cut * batch * n_out + row * n_out + out
            tl.store(part, tl.sum(gradient * h, axis=1), mask=is_row)
        gradient *= gate[:, None]
    if stored:
        tl.store(before + at, through_activation(gradient, h, activation), mask=mask)


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
    tile_in: tl.constexpr,
    tile_out: tl.constexpr,
    in_size: tl.constexpr,
    out_size: tl.constexpr,
    ragged_in: tl.constexpr,
    ragged_out: tl.constexpr,
    listed: tl.constexpr,
    in_gated: tl.constexpr,
    scaled: tl.constexpr,
    precision: tl.constexpr,
):
    """Sum the outer products of one tile's input and output over its rows; the grid is tiles of (input, output).

    Tiles of ``tile_in`` features cover input blocks of ``in_size``, of ``tile_out`` output blocks of ``out_size``;
    ragged are those that tiles exceed. ``before [batch, n_out * out_size]`` is the gradient before the activation. If
    ``listed`` is "out" or "in", rows come from the list of that side's block, else ("all") every row counts. Input
    gates only mask unless ``scaled``.
    """
    in_cuts: tl.constexpr = (in_size + tile_in - 1) // tile_in
    out_cuts: tl.constexpr = (out_size + tile_out - 1) // tile_out
    block = tl.program_id(0) // in_cuts
    out = tl.program_id(1) // out_cuts
    k = block * in_size + tl.program_id(0) % in_cuts * tile_in + tl.arange(0, tile_in)
    n = tl.program_id(1) % out_cuts * tile_out + tl.arange(0, tile_out)
    if ragged_in:
        in_block = inside(k, block, in_size, tile_in, width)
    if ragged_out:
        in_out = n < out_size
    group = out if listed == "out" else block
    count = batch
    if listed != "all":
        count = tl.load(counts + group)
    total = tl.zeros([tile_in, tile_out], tl.float32)
    for first in range(0, count, chunk):
        row = first + tl.arange(0, chunk)
        mask = row < count
        if listed != "all":
            row = tl.load(rows + group * batch + row, mask=mask, other=0)
        if in_gated:
            gate = tl.load(in_gates + row * n_in + block, mask=mask, other=0)
            mask = gate != 0
        from_x = x + row[:, None] * width + k[None, :]
        if ragged_in:
            a = tl.load(from_x, mask=mask[:, None] & in_block[None, :], other=0.0)
        else:
            a = tl.load(from_x, mask=mask[:, None], other=0.0)
        from_before = before + (row[:, None] * n_out + out) * out_size + n[None, :]
        if ragged_out:
            b = tl.load(from_before, mask=mask[:, None] & in_out[None, :], other=0.0)
        else:
            b = tl.load(from_before, mask=mask[:, None], other=0.0)
        if scaled:
            a = (a.to(tl.float32) * gate.to(tl.float32)[:, None]).to(b.dtype)
        total = product(tl.trans(a), b, total, precision)
    to = gradient + (out * width + k[:, None]) * out_size + n[None, :]
    if ragged_in and ragged_out:
        tl.store(to, total, mask=in_block[:, None] & in_out[None, :])
    elif ragged_in:
        tl.store(to, total, mask=in_block[:, None])
    elif ragged_out:
        tl.store(to, total, mask=in_out[None, :])
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
    """Sum ``before`` over the rows that open an output block; the grid is (n_out, tiles of columns)."""
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
        mask = mask[:, None]
        if out_size % columns != 0:
            mask = mask & (column < out_size)[None, :]
        total += tl.load(before + at, mask=mask, other=0.0).to(tl.float32)
    if out_size % columns != 0:
        tl.store(gradient + out * out_size + column, tl.sum(total, axis=0), mask=column < out_size)
    else:
        tl.store(gradient + out * out_size + column, tl.sum(total, axis=0))
