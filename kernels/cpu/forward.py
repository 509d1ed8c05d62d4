"""The forward kernel: for each output block, gather the rows that open it, and read only their open input blocks."""

import math
from typing import Any

import numpy as np
from numba import njit

from kernels.cpu.compilation import KEPT
from kernels.cpu.memory import keep, matrix
from kernels.cpu.microkernel import FLOAT_BYTES
from kernels.cpu.product import add_product
from kernels.cpu.rows import is_binary, list_rows, next_pair, open_bits

# A chunk of 128 rows of 64 floats is 32 KiB of weights, which stay in the first-level cache for all rows of the batch.
CHUNK = 64


@njit(cache=KEPT, nogil=True, error_model="numpy")
def forward(
    x_address: int,
    weight_address: int,
    bias_address: int,
    in_gates_address: int,
    out_gates_address: int,
    y_address: int,
    rows: int,
    n_out: int,
    n_in: int,
    in_size: int,
    out_size: int,
    activation: int,
    clear: int,
    first: int,
    last: int,
) -> None:
    """Compute output blocks ``first`` to ``last`` into ``y``, from the addresses of contiguous tensors, 0 for none.

    Closed blocks become 0 if ``clear``, and are left as they are if nothing reads them.
    """
    d_in, d_out = n_in * in_size, n_out * out_size
    in_gates = matrix(in_gates_address, rows, n_in)
    out_gates = matrix(out_gates_address, rows, n_out)
    bias = matrix(bias_address, 1, d_out)
    y = matrix(y_address, rows, d_out)
    out_bits = open_bits(out_gates, rows, n_out)
    in_bits = open_bits(in_gates, rows, n_in if len(in_gates) else 1)
    scaled = scaled_inputs(matrix(x_address, rows, d_in), in_gates, in_size)
    x_start = scaled.ctypes.data if len(scaled) else x_address

    if len(out_gates) and clear:
        y[:, first * out_size : last * out_size] = 0
    sums = np.empty((rows, out_size), np.float32)
    open_rows = np.empty(rows, np.int64)
    pair_rows = np.empty(rows, np.int64)
    slot = np.empty(rows, np.int64)
    c = np.empty(rows, np.int64)
    a = np.empty(rows, np.int64)
    for out in range(first, last):
        column = out * out_size
        count = list_rows(out_bits, out, out_bits, out, open_rows)
        if count == 0:
            continue
        for index in range(count):
            slot[open_rows[index]] = index
            if len(bias):
                sums[index] = bias[0, column : column + out_size]
            else:
                sums[index] = 0
        tile_bytes = FLOAT_BYTES * in_size * out_size
        weights = weight_address + out * n_in * tile_bytes
        if len(in_gates):
            block = next_pair(out_bits, out, in_bits, 0)
            while block < n_in:
                following = next_pair(out_bits, out, in_bits, block + 1)
                pairs = list_rows(out_bits, out, in_bits, block, pair_rows)
                for index in range(pairs):
                    row = pair_rows[index]
                    a[index] = x_start + FLOAT_BYTES * row * d_in
                    c[index] = sums.ctypes.data + FLOAT_BYTES * out_size * slot[row]
                offset = FLOAT_BYTES * block * in_size
                tile = weights + block * tile_bytes
                ahead = (following - block) * tile_bytes if following < n_in else 0
                add_product(c.ctypes.data, a.ctypes.data, pairs, offset, FLOAT_BYTES, tile, out_size, in_size, 0, ahead)
                block = following
        else:
            for index in range(count):
                a[index] = x_start + FLOAT_BYTES * open_rows[index] * d_in
                c[index] = sums.ctypes.data + FLOAT_BYTES * out_size * index
            for start in range(0, d_in, CHUNK):
                size = min(CHUNK, d_in - start)
                part = weights + FLOAT_BYTES * start * out_size
                add_product(
                    c.ctypes.data,
                    a.ctypes.data,
                    count,
                    FLOAT_BYTES * start,
                    FLOAT_BYTES,
                    part,
                    out_size,
                    size,
                    0,
                    FLOAT_BYTES * size * out_size,
                )
        for index in range(count):
            row = open_rows[index]
            gate = out_gates[row, out] if len(out_gates) else np.float32(1)
            finish(sums[index], y[row, column : column + out_size], activation, gate)
    keep(scaled)


@njit
def scaled_inputs(x: Any, in_gates: Any, in_size: int) -> Any:
    """Return ``x`` times its gates where they are open, and undefined values elsewhere; empty if all are 0 or 1."""
    if is_binary(in_gates):
        return np.empty((0, x.shape[1]), np.float32)
    scaled = np.empty_like(x)
    for row in range(x.shape[0]):
        for block in range(in_gates.shape[1]):
            gate = in_gates[row, block]
            if gate != 0:
                for column in range(block * in_size, (block + 1) * in_size):
                    scaled[row, column] = gate * x[row, column]
    return scaled


@njit
def finish(sums: Any, y: Any, activation: int, gate: Any) -> None:
    """Write ``activation(sums) * gate``: 0 is the identity, 1 relu, 2 tanh."""
    if activation == 1:
        for column in range(len(sums)):
            value = sums[column]
            y[column] = gate * (value if value > 0 or value != value else np.float32(0))
    elif activation == 2:
        for column in range(len(sums)):
            y[column] = gate * np.float32(math.tanh(sums[column]))
    else:
        for column in range(len(sums)):
            y[column] = gate * sums[column]
