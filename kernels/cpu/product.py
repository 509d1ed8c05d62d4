"""``C[r] += A[r] B`` for any number of gathered rows, cut into the shapes that the micro-kernels take."""

from typing import Any

from numba import njit

from kernels.cpu.memory import matrix_of_integers
from kernels.cpu.microkernel import ADDRESS_BYTES, FLOAT_BYTES, LANES, LINE_BYTES, VECTORS, accumulator, prefetch


@njit
def _advanced(ahead: int, limit: int, count: int) -> Any:
    """Go on with prefetching; after the end, stay in B: what lies behind it may be no memory at all, which is slow."""
    return ahead + LINE_BYTES * count if 0 < ahead < limit - LINE_BYTES * count else 0


def _strip(vectors: int, *, ragged: bool = False) -> Any:
    six, five, four, three, two = (accumulator(rows, vectors, ragged=ragged) for rows in (6, 5, 4, 3, 2))
    one = accumulator(1, vectors, interleaved=2, ragged=ragged)

    @njit
    def strip(
        c: int,
        a: int,
        rows: int,
        a_offset: int,
        a_step: int,
        b: int,
        b_step: int,
        count: int,
        fresh: int,
        column: int,
        ahead: int,
        columns: int,
    ) -> None:
        limit = ahead + b_step * count
        while rows > 8:
            # The next rows of A, which lie anywhere, while these are multiplied: at batch 512 (1024 units, density 1/8
            # of the outputs) 1267 against 1419 microseconds.
            if a_step == FLOAT_BYTES:
                following = matrix_of_integers(a, 1, min(rows, 12))[0]
                for index in range(6, len(following)):
                    for byte in range(0, FLOAT_BYTES * count, LINE_BYTES):
                        prefetch(following[index] + a_offset + byte)
            six(c, a, a_offset, a_step, b, b_step, count, fresh, column, ahead, columns)
            rows -= 6
            c += 6 * ADDRESS_BYTES
            a += 6 * ADDRESS_BYTES
            ahead = _advanced(ahead, limit, count)
        if rows > 6:
            # Two groups that are nearly equal: one row alone takes nearly as long as three together.
            if rows == 8:
                four(c, a, a_offset, a_step, b, b_step, count, fresh, column, ahead, columns)
            else:
                three(c, a, a_offset, a_step, b, b_step, count, fresh, column, ahead, columns)
            c += (rows - 4) * ADDRESS_BYTES
            a += (rows - 4) * ADDRESS_BYTES
            rows = 4
            ahead = _advanced(ahead, limit, count)
        if rows == 6:
            six(c, a, a_offset, a_step, b, b_step, count, fresh, column, ahead, columns)
        elif rows == 5:
            five(c, a, a_offset, a_step, b, b_step, count, fresh, column, ahead, columns)
        elif rows == 4:
            four(c, a, a_offset, a_step, b, b_step, count, fresh, column, ahead, columns)
        elif rows == 3:
            three(c, a, a_offset, a_step, b, b_step, count, fresh, column, ahead, columns)
        elif rows == 2:
            two(c, a, a_offset, a_step, b, b_step, count, fresh, column, ahead, columns)
        elif rows == 1:
            one(c, a, a_offset, a_step, b, b_step, count, fresh, column, ahead, columns)

    return strip


_WIDE, _NARROW = VECTORS * LANES, LANES
_wide_strip, _narrow_strip, _ragged_strip = _strip(VECTORS), _strip(1), _strip(1, ragged=True)


@njit
def add_product(
    c: int,
    a: int,
    rows: int,
    a_offset: int,
    a_step: int,
    b: int,
    columns: int,
    count: int,
    fresh: int,
    ahead: int,
) -> None:
    """Add the product of ``rows`` rows of A with B ``[count, columns]`` to as many rows of C.

    Args:
        c: address of the int64 addresses of C's rows.
        a: address of the int64 addresses of A's rows.
        rows: how many.
        a_offset: bytes from there to A's first element.
        a_step: bytes from one element of A's row to the next.
        b: address of B, contiguous.
        columns: of B and C.
        count: of rows of B, the length of the sums.
        fresh: 1 to start from 0 instead of from what C holds.
        ahead: how many bytes after B that lies which is multiplied with next; 0 if that is not known.
    """
    step = FLOAT_BYTES * columns
    done = 0
    while columns - done >= _WIDE:
        _wide_strip(c, a, rows, a_offset, a_step, b, step, count, fresh, FLOAT_BYTES * done, ahead, _WIDE)
        done += _WIDE
    while columns - done >= _NARROW:
        _narrow_strip(c, a, rows, a_offset, a_step, b, step, count, fresh, FLOAT_BYTES * done, ahead, _NARROW)
        done += _NARROW
    if columns > done:
        _ragged_strip(c, a, rows, a_offset, a_step, b, step, count, fresh, FLOAT_BYTES * done, ahead, columns - done)
