"""Plans of the grouped product, built on the device."""

from dataclasses import dataclass

import torch
import triton
from torch import Tensor

from kernels.triton.plan import list_rows, map_tiles, pack_gates
from kernels.triton.start import start
from kernels.triton.tuning import Config

ROWS_AT_ONCE = 1024
ROWS_OF_PACKING = 32


@dataclass(frozen=True)
class RowLists:
    """For each block the rows that open it: ``rows [n, B]`` filled from the left, ``counts [n]``; int32."""

    rows: Tensor
    counts: Tensor


@dataclass(frozen=True)
class Plan:
    """Tiles of rows, as :func:`kernels.triton.plan.map_tiles` writes them; None for a side without gates."""

    tile_rows: int
    tiles: int
    lists: RowLists | None
    groups: Tensor | None
    starts: Tensor | None
    blocks: Tensor | None
    block_counts: Tensor | None


def rows_by_block(gates: Tensor) -> RowLists:
    """List the rows that open each block of ``gates [B, n]``, ``B`` at least 1."""
    batch, n = gates.shape
    lists = RowLists(
        gates.new_empty(n, batch, dtype=torch.int32),
        gates.new_empty(n, dtype=torch.int32),
    )
    chunk = min(ROWS_AT_ONCE, max(16, triton.next_power_of_2(batch)))
    arguments = {
        "gates": gates,
        "rows": lists.rows,
        "counts": lists.counts,
        "batch": batch,
        "n_blocks": n,
        "chunk": chunk,
    }
    start(list_rows, (n,), arguments, Config(0))
    return lists


def gate_words(gates: Tensor) -> Tensor:
    """Pack ``gates [B, n]`` into int64 ``[B, ceil(n / 64)]``, bit ``i % 64`` of word ``i / 64`` for gate i."""
    batch, n = gates.shape
    words = gates.new_empty(batch, triton.cdiv(n, 64), dtype=torch.int64)
    arguments = {
        "gates": gates,
        "words": words,
        "batch": batch,
        "n_blocks": n,
        "n_words": words.shape[1],
        "chunk": ROWS_OF_PACKING,
    }
    start(pack_gates, (triton.cdiv(batch, ROWS_OF_PACKING), words.shape[1]), arguments, Config(0))
    return words


def plan_tiles(
    batch: int, lists: RowLists | None, source_gates: Tensor | None, words: Tensor | None, tile_rows: int
) -> Plan:
    """Cut the rows into tiles of ``tile_rows`` that share a result block, if ``lists`` are given.

    ``words`` are those of ``source_gates [B, n]``; the tiles then name the source blocks to read.
    """
    tiles = triton.cdiv(batch, tile_rows)
    if lists is None and source_gates is None:
        return Plan(tile_rows, tiles, None, None, None, None, None)
    n_groups = 1
    groups = starts = blocks = block_counts = None
    some = next(tensor for tensor in (source_gates, None if lists is None else lists.rows) if tensor is not None)
    if lists is not None:
        n_groups = lists.counts.shape[0]
        tiles *= n_groups
        groups, starts = (some.new_empty(tiles, dtype=torch.int32) for _ in range(2))
    n_blocks = n_words = 0
    if source_gates is not None and words is not None:
        n_blocks, n_words = source_gates.shape[1], words.shape[1]
        blocks = some.new_empty(tiles, n_blocks, dtype=torch.int32)
        block_counts = some.new_empty(tiles, dtype=torch.int32)
    arguments = {
        "rows": None if lists is None else lists.rows,
        "counts": None if lists is None else lists.counts,
        "words": words,
        "groups": groups,
        "starts": starts,
        "blocks": blocks,
        "block_counts": block_counts,
        "batch": batch,
        "n_groups": n_groups,
        "n_blocks": n_blocks,
        "n_words": n_words,
        "tile_rows": tile_rows,
        "all_groups": triton.next_power_of_2(n_groups),
        "grouped": lists is not None,
        "gated": source_gates is not None,
    }
    start(map_tiles, (tiles,), arguments, Config(0))
    return Plan(tile_rows, tiles, lists, groups, starts, blocks, block_counts)
