"""Device code that finds which rows and blocks meet: no atomics, no sizes that depend on data, no host in between."""

import triton
import triton.language as tl


@triton.jit
def list_rows(gates, rows, counts, batch, n_blocks, chunk: tl.constexpr):
    """List the rows that open one block, in order; the grid is (n_blocks,).

    Writes ``rows [n_blocks, batch]``, filled from the left, and ``counts [n_blocks]``.
    """
    block = tl.program_id(0)
    count = 0
    for first in range(0, batch, chunk):
        row = first + tl.arange(0, chunk)
        is_open = tl.load(gates + row * n_blocks + block, mask=row < batch, other=0.0) != 0
        place = count + tl.cumsum(is_open.to(tl.int32), 0) - 1
        tl.store(rows + block * batch + place, row, mask=is_open)
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
    is_open = tl.load(gates + row[:, None] * n_blocks + block[None, :], mask=mask, other=0.0) != 0
    packed = tl.sum(is_open.to(tl.int64) << bit.to(tl.int64)[None, :], axis=1)
    tl.store(words + row * n_words + word, packed, mask=row < batch)


@triton.jit
def map_tiles(
    rows,
    counts,
    words,
    groups,
    starts,
    blocks,
    block_counts,
    batch,
    n_groups,
    n_blocks,
    n_words,
    tile_rows: tl.constexpr,
    all_groups: tl.constexpr,
    grouped: tl.constexpr,
    gated: tl.constexpr,
):
    """Say which rows make up one tile and which blocks they read; the grid is (most tiles there can be,).

    If ``grouped``, a tile holds rows that share one result block: writes ``groups [tiles]``, that block or -1 for a
    tile that is not needed, and ``starts [tiles]``, where its rows begin in the block's list. ``all_groups`` is a
    power of two not below ``n_groups``. Otherwise tile t holds the rows from ``t * tile_rows`` on.

    If ``gated``, writes ``blocks [tiles, n_blocks]``, filled from the left with the source blocks that some row of the
    tile opens, in order, and ``block_counts [tiles]``.
    """
    tile = tl.program_id(0)
    place = tile * tile_rows + tl.arange(0, tile_rows)
    mask = place < batch
    row = place
    if grouped:
        group = tl.arange(0, all_groups)
        count = tl.load(counts + group, mask=group < n_groups, other=0)
        size = (count + tile_rows - 1) // tile_rows
        end = tl.cumsum(size, 0)
        mine = tl.sum((end <= tile).to(tl.int32))
        start = (tile - tl.sum(tl.where(group < mine, size, 0))) * tile_rows
        tl.store(groups + tile, tl.where(mine < n_groups, mine, -1))
        tl.store(starts + tile, start)
        # Past the last group no count is left, so an unneeded tile holds no rows.
        place = start + tl.arange(0, tile_rows)
        mask = place < tl.sum(tl.where(group == mine, count, 0))
        row = tl.load(rows + mine * batch + place, mask=mask, other=0)
    if gated:
        bit = tl.arange(0, 64)
        listed = 0
        for word in range(n_words):
            united = tl.reduce_or(tl.load(words + row * n_words + word, mask=mask, other=0), 0)
            is_open = ((united >> bit.to(tl.int64)) & 1).to(tl.int32)
            to = listed + tl.cumsum(is_open, 0) - 1
            tl.store(blocks + tile * n_blocks + to, word * 64 + bit, mask=is_open != 0)
            listed += tl.sum(is_open)
        tl.store(block_counts + tile, listed)
