"""Plans of the grouped product, built on the device."""

import functools
from typing import NamedTuple

import torch
from torch import Tensor

from kernels.triton.plan import list_rows, map_tiles, pack_gates
from kernels.triton.sizes import ceil_div, power_of_two
from kernels.triton.start import Config, Launch

ROWS_AT_ONCE = 1024
ROWS_OF_PACKING = 32


class RowLists(NamedTuple):
    """For each block the rows ``[n, B]``, those that open it from the left, and how many do, ``counts [n]``; int32."""

    rows: Tensor
    counts: Tensor


def rows_by_block(gates: Tensor) -> RowLists:
    """List the rows that open each block of ``gates [B, n]``, ``B`` at least 1."""
    batch, n = gates.shape
    lists = RowLists(gates.new_empty(n, batch, dtype=torch.int32), gates.new_empty(n, dtype=torch.int32))
    _listing(batch, n, gates.dtype)(gates=gates, rows=lists.rows, counts=lists.counts)
    return lists


def gate_words(gates: Tensor) -> Tensor:
    """Pack ``gates [B, n]`` into int64 ``[B, ceil(n / 64)]``, bit ``i % 64`` of word ``i / 64`` for gate i."""
    batch, n = gates.shape
    words = gates.new_empty(batch, ceil_div(n, 64), dtype=torch.int64)
    _packing(batch, n, gates.dtype)(gates=gates, words=words)
    return words


def source_blocks(
    words: Tensor, n_source: int, batch: int, tile_rows: int, lists: RowLists | None
) -> tuple[Tensor, Tensor]:
    """For each tile of ``tile_rows`` rows, the source blocks that it reads, and how many; int32.

    Args:
        words: of the source gates, see :func:`gate_words`.
        n_source: source blocks in all.
        batch: rows in all.
        tile_rows: of a tile.
        lists: of the result gates, or None for tiles that hold rows in order.

    Returns:
        ``[tiles * n, n_source]`` filled from the left and ``[tiles * n]``, where n counts the result blocks of
        ``lists``, else 1; undefined for tiles without rows.
    """
    n_groups = 1 if lists is None else lists.counts.shape[0]
    tiles = ceil_div(batch, tile_rows) * n_groups
    blocks = words.new_empty(tiles, n_source, dtype=torch.int32)
    block_counts = words.new_empty(tiles, dtype=torch.int32)
    _mapping(tiles, batch, n_groups, n_source, words.shape[1], tile_rows, lists is not None)(
        rows=None if lists is None else lists.rows,
        counts=None if lists is None else lists.counts,
        words=words,
        blocks=blocks,
        block_counts=block_counts,
    )
    return blocks, block_counts


@functools.cache
def _listing(batch: int, n: int, dtype: torch.dtype) -> Launch:
    chunk = min(ROWS_AT_ONCE, max(16, power_of_two(batch)))
    return Launch(list_rows, (n,), Config(0), batch=batch, n_blocks=n, chunk=chunk)


@functools.cache
def _packing(batch: int, n: int, dtype: torch.dtype) -> Launch:
    n_words = ceil_div(n, 64)
    grid = (ceil_div(batch, ROWS_OF_PACKING), n_words)
    return Launch(pack_gates, grid, Config(0), batch=batch, n_blocks=n, n_words=n_words, chunk=ROWS_OF_PACKING)


@functools.cache
def _mapping(
    tiles: int, batch: int, n_groups: int, n_blocks: int, n_words: int, tile_rows: int, grouped: bool
) -> Launch:
    return Launch(
        map_tiles,
        (tiles,),
        Config(0),
        batch=batch,
        n_groups=n_groups,
        n_blocks=n_blocks,
        n_words=n_words,
        tile_rows=tile_rows,
        grouped=grouped,
    )
