"""Which rows of a batch have a block open, as bits, so that those of a pair of blocks are found 64 at a time."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

WORD_BITS = 64


@intrinsic  # type: ignore[untyped-decorator]
def _trailing_zeros(_: Any, word: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        undefined_at_zero = ir.IntType(1)(1)
        return builder.cttz(arguments[0], undefined_at_zero)

    return types.uint64(types.uint64), generate


@njit
def open_bits(gates: Any, rows: int, blocks: int) -> Any:
    """Return uint64 ``[words, blocks]``: bit r % 64 of word r // 64 is set where row r has the block open.

    Args:
        gates: float32 ``[rows, blocks]``; ``[0, blocks]`` for all open.
        rows: of the batch.
        blocks: of the layer.
    """
    words = (rows + WORD_BITS - 1) // WORD_BITS
    bits = np.zeros((words, blocks), np.uint64)
    for row in range(rows):
        bit = np.uint64(1) << np.uint64(row % WORD_BITS)
        word = bits[row // WORD_BITS]
        if len(gates):
            gate = gates[row]
            for block in range(blocks):
                word[block] |= bit if gate[block] != 0 else np.uint64(0)
        else:
            for block in range(blocks):
                word[block] |= bit
    return bits


@njit
def is_binary(gates: Any) -> Any:
    """Whether every gate is 0 or 1; true of no gates."""
    others = 0
    for gate in gates.ravel():
        others += (gate != 0) & (gate != 1)
    return others == 0


@njit
def list_rows(bits: Any, block: int, others: Any, other: int, found: Any) -> int:
    """Write the rows that have ``block`` of ``bits`` and ``other`` of ``others`` open, and return how many."""
    count = 0
    for word in range(bits.shape[0]):
        both = bits[word, block] & others[word, other]
        while both:
            found[count] = WORD_BITS * word + np.int64(_trailing_zeros(both))
            count += 1
            both &= both - np.uint64(1)
    return count


@njit
def next_pair(bits: Any, block: int, others: Any, first: int) -> Any:
    """Return the first block of ``others`` from ``first`` on that some row has open together with ``block``."""
    for other in range(first, others.shape[1]):
        for word in range(bits.shape[0]):
            if bits[word, block] & others[word, other]:
                return other
    return others.shape[1]
