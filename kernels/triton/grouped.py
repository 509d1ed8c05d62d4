"""Device code of the gathered matrix product: the forward pass, and the gradient of x with the roles swapped."""

import triton
import triton.language as tl

from kernels.triton.blocks import inside
from kernels.triton.elementwise import activate, product


@triton.jit
def grouped_product(
    source,
    weight,
    bias,
    source_gates,
    result_gates,
    factor,
    result,
    gate_gradient,
    hidden,
    rows,
    counts,
    blocks,
    block_counts,
    batch,
    n_source,
    n_result,
    source_width,
    result_width,
    source_stride,
    result_stride,
    tile_rows: tl.constexpr,
    step_k: tl.constexpr,
    columns: tl.constexpr,
    source_size: tl.constexpr,
    result_size: tl.constexpr,
    transposed: tl.constexpr,
    ragged_source: tl.constexpr,
    ragged_result: tl.constexpr,
    source_gated: tl.constexpr,
    result_gated: tl.constexpr,
    scaled: tl.constexpr,
    biased: tl.constexpr,
    activation: tl.constexpr,
    stored: tl.constexpr,
    hidden_stored: tl.constexpr,
    gate_gradient_stored: tl.constexpr,
    precision: tl.constexpr,
):
    """Compute ``result = activation((source * source_gates) W + bias) * result_gates`` for a tile of rows and columns.

    The grid is (row tiles * n_result * cuts,), where ``cuts`` tiles of ``columns`` cover a result block, and the row
    tile changes last. If ``result_gated``, a tile holds rows as ``rows`` lists them
    for its block, the first ``counts`` of which are computed and the others set to 0; else it holds the rows in order.
    If ``source_gated``, ``blocks`` and ``block_counts`` list the source blocks that a tile reads.

    Source features lie in ``n_source`` blocks of ``source_size``, result features in ``n_result`` blocks of
    ``result_size``; ragged are those that some step or tile exceeds. Blocks of the weight begin ``source_stride`` and
    ``result_stride`` elements apart; each is ``[source_size, result_size]``, or its transpose if ``transposed``, and
    read in parts of ``step_k``. Source gates only mask unless ``scaled``. ``hidden`` receives the activation before the
    result gates in open blocks.

    ``gate_gradient [cuts, batch, n_result]`` becomes the sum over the tile of the result before its gate times
    ``factor``, which is shaped like the result.
    """
    cuts: tl.constexpr = (result_size + columns - 1) // columns
    cut = tl.program_id(0) % cuts
    index = tl.program_id(0) // cuts
    group = index % n_result
    first = index // n_result * tile_rows
    place = first + tl.arange(0, tile_rows)
    is_row = place < batch
    row = place
    count = batch
    if result_gated:
        count = tl.load(counts + group)
        row = tl.load(rows + group * batch + place, mask=is_row, other=0)
    else:
        index = index // n_result
    mask = place < count
    n = cut * columns + tl.arange(0, columns)
    column = group * result_size + n
    if ragged_result:
        in_result = inside(column, group, result_size, columns, result_width)
    total = tl.zeros([tile_rows, columns], tl.float32)
    if first < count:
        k = tl.arange(0, step_k)
        k_stride: tl.constexpr = 1 if transposed else result_size
        n_stride: tl.constexpr = source_size if transposed else 1
        within = k[:, None] * k_stride + n[None, :] * n_stride
        steps = n_source
        if source_gated:
            steps = tl.load(block_counts + index)
        parts: tl.constexpr = (source_size + step_k - 1) // step_k
        # One loop, not two, since only an innermost loop is pipelined.
        for step in range(steps * parts):
            block = step // parts
            if source_gated:
                block = tl.load(blocks + index * n_source + block)
            part = step % parts * step_k
            is_read = mask
            if source_gated:
                gate = tl.load(source_gates + row * n_source + block, mask=mask, other=0)
                is_read = gate != 0
            feature = block * source_size + part + k
            from_source = source + row[:, None] * source_width + feature[None, :]
            from_weight = weight + group * result_stride + block * source_stride + part * k_stride + within
            if ragged_source:
                in_source = inside(feature, block, source_size, step_k, source_width)
                a = tl.load(from_source, mask=is_read[:, None] & in_source[None, :], other=0.0)
            else:
                a = tl.load(from_source, mask=is_read[:, None], other=0.0)
            if ragged_source and ragged_result:
                w = tl.load(from_weight, mask=in_source[:, None] & in_result[None, :], other=0.0)
            elif ragged_source:
                w = tl.load(from_weight, mask=in_source[:, None], other=0.0)
            elif ragged_result:
                w = tl.load(from_weight, mask=in_result[None, :], other=0.0)
            else:
                w = tl.load(from_weight)
            if scaled:
                a = (a.to(tl.float32) * gate.to(tl.float32)[:, None]).to(w.dtype)
            total = product(a, w, total, precision)
        if biased:
            if ragged_result:
                total += tl.load(bias + column, mask=in_result, other=0.0).to(tl.float32)[None, :]
            else:
                total += tl.load(bias + column).to(tl.float32)[None, :]
        total = activate(total, activation)
    to_result = row[:, None] * result_width + column[None, :]
    is_written = is_row[:, None]
    if ragged_result:
        is_written = is_written & in_result[None, :]
    is_open = is_written & mask[:, None]
    if gate_gradient_stored:
        by = tl.load(factor + to_result, mask=is_open, other=0.0).to(tl.float32)
        gradient = tl.where(mask, tl.sum(tl.where(is_open, total * by, 0.0), axis=1), 0.0)
        tl.store(gate_gradient + cut * batch * n_result + row * n_result + group, gradient, mask=is_row)
    if hidden_stored:
        tl.store(hidden + to_result, total, mask=is_open)
    if stored:
        if result_gated:
            size = tl.load(result_gates + row * n_result + group, mask=mask, other=0)
            total = tl.where(is_open, total * size.to(tl.float32)[:, None], 0.0)
        tl.store(result + to_result, total, mask=is_written)
