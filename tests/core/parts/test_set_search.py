"""Searches from a table, against brute force over all sets of blocks."""

import itertools

import pytest
import torch
from torch import Tensor

from core.parts.gates import explicit
from core.parts.set_search import complete_sets, exchange_blocks, replace_blocks
from core.strategy import Table
from core.training.batch import CountedBatch
from tests.support.networks import FEATURES, batch_of, network_of, normal

ROWS, BLOCKS = 8, 6
Y = torch.arange(ROWS) % 3


def a_batch() -> CountedBatch:
    return batch_of(network_of(f"{BLOCKS}x3"), normal(ROWS, FEATURES), Y)


def closed() -> Tensor:
    return torch.zeros(ROWS, BLOCKS, dtype=torch.float64)


def a_table() -> Table:
    batch = a_batch()
    return batch.table(batch(explicit([closed()])), 0)


def every_set(count: int, start: Tensor) -> tuple[Tensor, Tensor]:
    """All sets ``[C, blocks]`` of so many blocks, and their losses ``[B, C]``: infinite without those of ``start``."""
    chosen = [torch.tensor(blocks) for blocks in itertools.combinations(range(BLOCKS), count)]
    sets = torch.stack([closed()[0].index_fill(0, blocks, 1.0) for blocks in chosen])
    losses = torch.stack([run(each.expand(ROWS, -1)) for each in sets], dim=1)
    missing = ((1 - sets)[None] * start[:, None]).sum(dim=2) > 0
    return sets, losses.masked_fill(missing, torch.inf)


def run(gates: Tensor) -> Tensor:
    loss = a_batch()(explicit([gates.contiguous()])).loss
    assert loss is not None
    return loss.detach()


@pytest.mark.parametrize(("opened", "count"), [(0, 1), (0, 2), (0, 3), (0, BLOCKS), (1, 2), (1, 3), (1, BLOCKS)])
def test_a_beam_wide_enough_finds_the_best_set_and_what_every_block_costs(opened, count):
    start = closed()
    start[: ROWS // 2, :opened] = 1.0
    sets, losses = every_set(count, start)
    found, costs = complete_sets(a_table(), start, torch.full((ROWS,), count), beam=50)
    torch.testing.assert_close(run(found), losses.amin(dim=1))
    assert found.sum(dim=1).tolist() == [count] * ROWS
    assert bool((found >= start).all())
    expected = torch.where(sets[None] != 0, losses[:, :, None], torch.inf).amin(dim=1)
    torch.testing.assert_close(costs, expected)


def test_a_beam_of_one_is_greedy():
    found, _ = complete_sets(a_table(), closed(), torch.full((ROWS,), 3), beam=1)
    table, gates = a_table(), closed()
    for _ in range(3):
        best = table.flips(gates).masked_fill(gates != 0, torch.inf).argmin(dim=1)
        gates = gates.scatter(1, best[:, None], 1.0)
    assert torch.equal(found, gates)


def test_a_wider_beam_finds_what_a_greedy_search_misses():
    """Block 0 is best alone, and blocks 1 and 2 are best together."""
    losses = {(): 3.0, (0,): 1.0, (1,): 2.0, (2,): 2.0, (0, 1): 0.9, (0, 2): 0.9, (1, 2): 0.1}

    class Given:
        """A table of these losses."""

        gates = torch.zeros(1, 3)

        def flips(self, gates: Tensor) -> Tensor:
            found = torch.full_like(gates, torch.inf)
            for number, gate in enumerate(gates[0]):
                for block in range(3):
                    opened = tuple(sorted({*gate.nonzero().flatten().tolist(), block}))
                    found[0, number, block] = losses[opened]
            return found

    for beam, blocks in ((1, [1, 1, 0]), (2, [0, 1, 1]), (3, [0, 1, 1])):
        found, _ = complete_sets(Given(), torch.zeros(1, 3), torch.tensor([2]), beam)  # type: ignore[arg-type]
        assert found.tolist() == [blocks]


def test_examples_may_have_budgets_of_their_own():
    count = torch.arange(ROWS) % 3 + 1
    found, costs = complete_sets(a_table(), closed(), count, beam=50)
    assert found.sum(dim=1).tolist() == count.tolist()
    for number in (1, 2, 3):
        own = count == number
        alone, of_all = complete_sets(a_table(), closed(), torch.full((ROWS,), number), beam=50)
        assert torch.equal(found[own], alone[own])
        torch.testing.assert_close(costs[own], of_all[own])


@pytest.mark.parametrize("count", [1, 2, 3, BLOCKS])
def test_an_exchange_is_the_best_of_all_pairs_and_costs_are_of_what_was_seen(count):
    start = closed()
    start[:, :count] = 1.0
    found, loss, costs = exchange_blocks(a_table(), start, steps=1)
    sets, losses = every_set(count, closed())
    near = (sets[None] * start[:, None]).sum(dim=2) >= count - 1
    losses = losses.masked_fill(~near, torch.inf)
    torch.testing.assert_close(loss, losses.amin(dim=1))
    torch.testing.assert_close(run(found), loss)
    torch.testing.assert_close(costs, torch.where(sets[None] != 0, losses[:, :, None], torch.inf).amin(dim=1))


@pytest.mark.parametrize("count", [1, 2, 3, BLOCKS])
def test_a_replacement_closes_what_is_missed_least_and_opens_the_best(count):
    start = closed()
    start[:, :count] = 1.0
    found, loss, costs = replace_blocks(a_table(), start, steps=1)
    for row in range(ROWS):
        fewer = [start.index_fill(1, torch.tensor(block), 0.0) for block in range(count)]
        rest = min(fewer, key=lambda gates: run(gates)[row].item())
        further = [block for block in range(BLOCKS) if rest[row, block] == 0]
        after = {block: run(rest.index_fill(1, torch.tensor(block), 1.0))[row].item() for block in further}
        assert loss[row].item() == pytest.approx(min(after.values()))
        assert (
            found[row].tolist() == rest[row].index_fill(0, torch.tensor(min(after, key=after.__getitem__)), 1).tolist()
        )
        expected = [after.get(block, min(after.values())) for block in range(BLOCKS)]
        torch.testing.assert_close(costs[row], torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize("climb", [exchange_blocks, replace_blocks])
def test_no_step_raises_any_loss(climb):
    start = closed()
    start[:, :3] = 1.0
    losses = [run(start), *(climb(a_table(), start, steps)[1] for steps in (1, 2, 5))]
    for before, after in itertools.pairwise(losses):
        assert bool((after <= before + 1e-12).all())
