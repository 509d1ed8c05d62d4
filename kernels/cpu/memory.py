"""Views of tensors inside compiled code, from the addresses that it is given; 0 stands for no tensor."""

from typing import Any

import numpy as np
from numba import carray, njit, types
from numba.core import cgutils
from numba.extending import intrinsic


@intrinsic  # type: ignore[untyped-decorator]
def _pointer(_: Any, address: Any) -> Any:
    def generate(_context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(types.int64), generate


@njit
def keep(array: Any) -> int:
    """Keep an array of which only the address is used: numba frees it after the last use that it sees."""
    return len(array)


@njit(inline="always")
def matrix_of_integers(address: int, rows: int, columns: int) -> Any:
    """Return a view of contiguous int64 ``[rows, columns]``."""
    return carray(_pointer(address), (rows, columns), np.int64)


@njit(inline="always")
def matrix(address: int, rows: int, columns: int) -> Any:
    """Return a view of contiguous float32 ``[rows, columns]``; ``[0, columns]`` of address 0."""
    return carray(_pointer(address), (rows if address else 0, columns), np.float32)
