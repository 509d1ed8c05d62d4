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
class TileSizes:
    """Rows in all and per tile, and the number of source blocks."""

    batch: int
    tile_rows: int
    n_source: int


@dataclass(frozen=True)
class Plan:
    """How many tiles there can be, and what :func:`kernels.triton.plan.map_tiles` reads and writes about them.

    Fields named like arguments of the grouped product are just those, None for a side without gates.
    """

    tiles: int
    rows: Tensor | None
    counts: Tensor | None
    groups: Tensor | None
    starts: Tensor | None
    blocks: Tensor | None
    block_counts: Tensor | None


def rows_by_block(gates: Tensor) -> RowLists:
    """List the rows that open each block of ``gates [B, n]``, ``B`` at least 1."""
    batch, n = gates.shape
    lists = RowLists(gates.new_empty(n, batch, dtype=torch.int32), gates.new_empty(n, dtype=torch.int32))
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


def plan_tiles(sizes: TileSizes, lists: RowLists | None, words: Tensor | None, device: torch.device) -> Plan:
    """Cut the rows into tiles, of rows that share a result block if ``lists`` are given.

    ``words`` are those of the source gates; the tiles then name the source blocks to read.
    """
    tiles, n_groups = triton.cdiv(sizes.batch, sizes.tile_rows), 1
    rows = counts = groups = starts = blocks = block_counts = None
    if lists is not None:
        rows, counts = lists.rows, lists.counts
        n_groups = counts.shape[0]
        tiles *= n_groups
        groups = torch.empty(tiles, dtype=torch.int32, device=device)
        starts = torch.empty_like(groups)
    if words is not None:
        blocks = torch.empty(tiles, sizes.n_source, dtype=torch.int32, device=device)
        block_counts = torch.empty(tiles, dtype=torch.int32, device=device)
    arguments = {
        "rows": rows,
        "counts": counts,
        "words": words,
        "groups": groups,
        "starts": starts,
        "blocks": blocks,
        "block_counts": block_counts,
        "batch": sizes.batch,
        "n_groups": n_groups,
        "n_blocks": sizes.n_source,
        "n_words": 0 if words is None else words.shape[1],
        "tile_rows": sizes.tile_rows,
        "all_groups": triton.next_power_of_2(n_groups),
        "grouped": lists is not None,
        "gated": words is not None,
    }
    if lists is not None or words is not None:
        start(map_tiles, (tiles,), arguments, Config(0))
    return Plan(tiles, rows, counts, groups, starts, blocks, block_counts)
