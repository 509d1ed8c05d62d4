"""Searches for the set of open blocks with the least loss, from a table of the layer's contributions."""

import torch
from torch import Tensor

from core.strategy import Table


def exchange_blocks(table: Table, start: Tensor, steps: int) -> tuple[Tensor, Tensor, Tensor]:
    """Climb from ``start``: each step exchanges the open and the closed block that lower an example's loss most.

    Examples that no exchange improves are left alone, so that the loss never rises.

    Args:
        table: gives losses.
        start: ``[B, blocks]``.
        steps: how many exchanges at most.

    Returns:
        The gates ``[B, blocks]``; their loss ``[B]``; and ``[B, blocks]`` what each block costs: the least loss of the
        gates that the search saw in which it is open.
    """
    gates, loss = start, table.losses(start)
    costs = torch.where(gates != 0, loss[:, None], torch.inf)
    for _ in range(steps):
        swapped = table.swaps(gates)
        costs = torch.minimum(costs, _of_swaps(gates, swapped))
        least, pair = swapped.flatten(1).min(dim=1)
        closing, opening = (pair // gates.shape[1])[:, None], (pair % gates.shape[1])[:, None]
        exchanged = gates.scatter(1, closing, 0.0).scatter(1, opening, 1.0)
        gates = torch.where((least < loss)[:, None], exchanged, gates)
        loss = torch.minimum(loss, least)
    return gates, loss, costs


def replace_blocks(table: Table, start: Tensor, steps: int) -> tuple[Tensor, Tensor, Tensor]:
    """Climb from ``start``: each step closes the open block that is missed least, and then opens the best in its place.

    That may be the same block, so that the loss never rises. It looks at fewer gates than :func:`exchange_blocks`, and
    keeps closer to the start.

    Args:
        table: gives losses.
        start: ``[B, blocks]``, at least one open in each example.
        steps: how many replacements.

    Returns:
        As :func:`exchange_blocks` does.
    """
    gates = start
    costs = torch.full_like(start, torch.inf)
    loss = start.new_full((start.shape[0],), torch.inf)
    for _ in range(steps):
        closing = table.flips(gates).masked_fill(gates == 0, torch.inf).argmin(dim=1, keepdim=True)
        fewer = gates.scatter(1, closing, 0.0)
        opened = table.flips(fewer).masked_fill(fewer != 0, torch.inf)
        loss, opening = opened.min(dim=1)
        costs = torch.minimum(costs, torch.where(fewer != 0, loss[:, None], opened))
        gates = fewer.scatter(1, opening[:, None], 1.0)
    return gates, loss, costs


def complete_sets(table: Table, start: Tensor, count: Tensor, beam: int) -> tuple[Tensor, Tensor]:
    """Complete sets of open blocks by beam search: keep the ``beam`` sets of least loss while they grow block by block.

    With a beam of 1 the search is greedy.

    Args:
        table: gives losses.
        start: ``[B, blocks]`` binary, what is open already.
        count: ``[B]``, how many blocks are to be open, for each example more than in ``start``.
        beam: how many sets of each size are kept.

    Returns:
        The completed sets of least loss ``[B, blocks]``; and ``[B, blocks]`` what each block costs: the least loss of
        the completed sets that the search saw in which it is open.
    """
    rows, blocks = start.shape
    sets, alive = start[:, None], torch.ones(rows, 1, dtype=torch.bool, device=start.device)
    costs = torch.full_like(start, torch.inf)
    missing = count - (start != 0).sum(dim=1)
    for _ in range(int(missing.max())):
        is_open = sets != 0
        growing = missing > 0
        # A set of the beam that is no set at all, for want of other choices, has no loss.
        grown = table.flips(sets).masked_fill(is_open | ~alive[:, :, None], torch.inf)
        completing = torch.minimum(grown.amin(dim=1), _of_members(is_open, grown.amin(dim=2)))
        costs = torch.where((missing == 1)[:, None], completing, costs)
        # The sets of rows that are complete stay, in their order: their rank stands for their loss.
        rank = torch.arange(sets.shape[1], dtype=grown.dtype, device=grown.device)
        kept = torch.where(growing[:, None] | ~alive, torch.inf, rank)
        choices = grown.masked_fill(_reached_before(is_open) | ~growing[:, None, None], torch.inf)
        losses, best = torch.cat([choices.flatten(1), kept], dim=1).topk(
            min(beam, sets.shape[1] * (blocks + 1)), dim=1, largest=False
        )
        is_grown = best < sets.shape[1] * blocks
        parent = torch.where(is_grown, best // blocks, best - sets.shape[1] * blocks)
        sets = sets.gather(1, parent[:, :, None].expand(-1, -1, blocks))
        opened = torch.nn.functional.one_hot(best % blocks, blocks) * is_grown[:, :, None]
        sets = torch.maximum(sets, opened.to(sets.dtype))
        alive = losses.isfinite()
        missing = (missing - 1).clamp_min(0)
    return sets[:, 0], costs


def _of_swaps(gates: Tensor, swapped: Tensor) -> Tensor:
    """Return ``[B, blocks]``: the least loss after an exchange ``[B, blocks, blocks]`` in which a block is open."""
    without = swapped.amin(dim=2)
    # An open block stays open in the exchanges of the others: the least of these, or the second least of all.
    two = without.topk(min(2, without.shape[1]), dim=1, largest=False).values
    others = torch.where(without == two[:, :1], two[:, -1:], two[:, :1])
    return torch.where(gates != 0, others, swapped.amin(dim=1))


def _of_members(is_open: Tensor, losses: Tensor) -> Tensor:
    """Return ``[B, blocks]``: the least loss ``[B, C]`` of the sets ``[B, C, blocks]`` in which a block is open."""
    return torch.where(is_open, losses[:, :, None], torch.inf).amin(dim=1)


def _reached_before(is_open: Tensor) -> Tensor:
    """Return ``[B, C, blocks]``: whether opening a block in a set gives what an earlier set gives with another block.

    Two sets of one size grow into the same set if they differ in one block each: that block is the one to open.
    """
    size = is_open.sum(dim=2)
    common = (is_open[:, :, None] & is_open[:, None]).sum(dim=3)
    neighbours = (common == size[:, :, None] - 1) & (size[:, :, None] == size[:, None])
    earlier = neighbours.tril(diagonal=-1)
    return (earlier[:, :, :, None] & is_open[:, None]).any(dim=2) & ~is_open
