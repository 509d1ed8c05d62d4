"""Device code that finds which rows and blocks meet: no atomics, no sizes that depend on data, no host in between."""

import triton
import triton.language as tl


@triton.jit
def list_rows(gates, rows, counts, batch, n_blocks, chunk: tl.constexpr):
    """List the rows that open one block, in order, and then those that do not; the grid is (n_blocks,).

    Writes ``rows [n_blocks, batch]``, the open ones from the left and the others from the right, and how many are open,
    ``counts [n_blocks]``.
    """
    block = tl.program_id(0)
    count = 0
    for first in range(0, batch, chunk):
        row = first + tl.arange(0, chunk)
        is_open = tl.load(gates + row * n_blocks + block, mask=row < batch, other=0) != 0
        opened = count + tl.cumsum(is_open.to(tl.int32), 0)
        place = tl.where(is_open, opened - 1, batch - 1 - (row - opened))
        tl.store(rows + block * batch + place, row, mask=row < batch)
        count += tl.sum(is_open.to(tl.int32))
    tl.store(counts + block, count)


@triton.jit
def pack_gates(gates, words, batch, n_blocks, n_words, chunk: tl.constexpr):
    """Write ``words [batch, n_words]``, a bit for each open gate; the grid is (batch / chunk, n_words)."""
    row = tl.program_id(0) * chunk + tl.arange(0, chunk)
    word = tl.program_id(1)
    bit = tl.arange(0, 64)
    block = word * 64 + bit
    mask = (row < batch)[:, None] & (block < n_blocks)[None, :]
    is_open = tl.load(gates + row[:, None] * n_blocks + block[None, :], mask=mask, other=0) != 0
    packed = tl.sum(is_open.to(tl.int64) << bit.to(tl.int64)[None, :], axis=1)
    tl.store(words + row * n_words + word, packed, mask=row < batch)


@triton.jit
def map_tiles(
    rows,
    counts,
    words,
    blocks,
    block_counts,
    batch,
    n_groups,
    n_blocks,
    n_words,
    tile_rows: tl.constexpr,
    grouped: tl.constexpr,
):
    """List the source blocks that some row of a tile opens; the grid is (tiles * n_groups,), groups first.

    If ``grouped``, a tile holds rows that share one result block, ``tile_rows`` of its list from the tile's place on;
    tiles past the end of the list write nothing. Otherwise it holds the rows from ``tile * tile_rows`` on, and there is
    one group.

    Writes ``blocks [tiles * n_groups, n_blocks]``, filled from the left, in order, and ``block_counts``.
    """
    index = tl.program_id(0)
    group = index % n_groups
    first = index // n_groups * tile_rows
    count = batch
    if grouped:
        count = tl.load(counts + group)
    if first < count:
        row = first + tl.arange(0, tile_rows)
        mask = row < count
        if grouped:
            row = tl.load(rows + group * batch + row, mask=mask, other=0)
        bit = tl.arange(0, 64)
        listed = 0
        for word in range(n_words):
            united = tl.reduce_or(tl.load(words + row * n_words + word, mask=mask, other=0), 0)
            is_open = ((united >> bit.to(tl.int64)) & 1).to(tl.int32)
            to = listed + tl.cumsum(is_open, 0) - 1
            tl.store(blocks + index * n_blocks + to, word * 64 + bit, mask=is_open != 0)
            listed += tl.sum(is_open)
        tl.store(block_counts + index, listed)
