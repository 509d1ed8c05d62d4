"""The forward kernel for very few rows: each row on its own, straight from its gates, without lists of rows."""

import numpy as np
from numba import njit

from kernels.cpu.compilation import KEPT
from kernels.cpu.forward import finish
from kernels.cpu.memory import keep, matrix
from kernels.cpu.microkernel import FLOAT_BYTES
from kernels.cpu.product import add_product


@njit(cache=KEPT, nogil=True, error_model="numpy")
def gemv(
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
) -> None:
    """Compute ``y`` from the addresses of contiguous tensors, 0 for none."""
    d_in, d_out = n_in * in_size, n_out * out_size
    in_gates = matrix(in_gates_address, rows, n_in)
    out_gates = matrix(out_gates_address, rows, n_out)
    bias = matrix(bias_address, 1, d_out)
    x = matrix(x_address, rows, d_in)
    y = matrix(y_address, rows, d_out)
    tile_bytes = FLOAT_BYTES * in_size * out_size
    # Two row addresses, then the open input blocks.
    scratch = np.empty(2 + n_in, np.int64)
    addresses = scratch.ctypes.data
    scaled = np.empty(0, np.float32)
    for row in range(rows):
        scratch[1] = x_address + FLOAT_BYTES * row * d_in
        count = 0
        if len(in_gates):
            binary = True
            for block in range(n_in):
                gate = in_gates[row, block]
                if gate != 0:
                    binary &= gate == 1
                    scratch[2 + count] = block
                    count += 1
            if not binary:
                scaled = np.empty(d_in, np.float32)
                scratch[1] = scaled.ctypes.data
                for index in range(count):
                    block = scratch[2 + index]
                    for column in range(block * in_size, (block + 1) * in_size):
                        scaled[column] = in_gates[row, block] * x[row, column]
        for out in range(n_out):
            target = y[row, out * out_size : (out + 1) * out_size]
            gate = out_gates[row, out] if len(out_gates) else np.float32(1)
            if gate == 0:
                target[:] = 0
                continue
            fresh = 1
            if len(bias):
                fresh = 0
                target[:] = bias[0, out * out_size : (out + 1) * out_size]
            scratch[0] = y_address + FLOAT_BYTES * (row * d_out + out * out_size)
            c, a, weights = addresses, addresses + 8, weight_address + out * n_in * tile_bytes
            if not len(in_gates):
                add_product(c, a, 1, 0, FLOAT_BYTES, weights, out_size, d_in, fresh, 0)
            else:
                if fresh and count == 0:
                    target[:] = 0
                for index in range(count):
                    block = scratch[2 + index]
                    offset, tile = FLOAT_BYTES * block * in_size, weights + block * tile_bytes
                    ahead = (scratch[3 + index] - block) * tile_bytes if index + 1 < count else 0
                    add_product(c, a, 1, offset, FLOAT_BYTES, tile, out_size, in_size, fresh, ahead)
                    fresh = 0
            finish(target, target, activation, gate)
    keep(scaled)
