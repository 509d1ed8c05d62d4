"""The backward kernels, which skip closed blocks like the forward one."""

from typing import Any

import numpy as np
from numba import njit

from kernels.cpu.compilation import KEPT
from kernels.cpu.dots import WIDE, add_dots
from kernels.cpu.forward import scaled_inputs
from kernels.cpu.memory import keep, matrix
from kernels.cpu.microkernel import FLOAT_BYTES, LANES
from kernels.cpu.product import add_product
from kernels.cpu.rows import list_rows, open_bits

# Below this many rows a product with the transposed tile is cheaper as dot products than by transposing it: with 16
# rows per tile (1024 units, batch 128, density 1/8 of the outputs) 633 against 776 microseconds.
DOT_ROWS = 32


@njit(cache=KEPT, nogil=True, error_model="numpy")
def output_gradients(
    grad_address: int,
    y_address: int,
    out_gates_address: int,
    dz_address: int,
    bias_grad_address: int,
    out_gates_grad_address: int,
    rows: int,
    n_out: int,
    out_size: int,
    activation: int,
) -> None:
    """Compute the gradients at the pre-activations ``z``, of the bias and of the output gates.

    Args:
        grad_address: ``[rows, n_out * out_size]``, the gradient of the result.
        y_address: likewise, the result.
        out_gates_address: ``[rows, n_out]``, or 0.
        dz_address: like ``grad``; closed blocks are left as they are.
        bias_grad_address: ``[n_out * out_size]``, or 0.
        out_gates_grad_address: ``[rows, n_out]``, or 0.
        rows: of the batch.
        n_out: output blocks.
        out_size: units of one.
        activation: as in :func:`kernels.cpu.forward.finish`.
    """
    d_out = n_out * out_size
    grad = matrix(grad_address, rows, d_out)
    y = matrix(y_address, rows, d_out)
    gates = matrix(out_gates_address, rows, n_out)
    dz = matrix(dz_address, rows, d_out)
    bias_grad = matrix(bias_grad_address, 1, d_out)
    gates_grad = matrix(out_gates_grad_address, rows, n_out)
    if len(bias_grad):
        bias_grad[:] = 0
    for row in range(rows):
        for block in range(n_out):
            gate = gates[row, block] if len(gates) else np.float32(1)
            if gate == 0:
                if len(gates_grad):
                    gates_grad[row, block] = 0
                continue
            start, stop = block * out_size, (block + 1) * out_size
            at_gate = _through_activation(
                grad[row, start:stop], y[row, start:stop], dz[row, start:stop], gate, activation
            )
            if len(gates_grad):
                gates_grad[row, block] = at_gate
            if len(bias_grad):
                for column in range(start, stop):
                    bias_grad[0, column] += dz[row, column]


@njit(fastmath={"reassoc", "contract"})
def _through_activation(grad: Any, y: Any, dz: Any, gate: Any, activation: int) -> Any:
    at_gate = np.float32(0)
    if activation == 1:
        for column in range(len(y)):
            value = y[column] / gate
            at_gate += grad[column] * value
            dz[column] = gate * grad[column] if value > 0 else np.float32(0)
    elif activation == 2:
        for column in range(len(y)):
            value = y[column] / gate
            at_gate += grad[column] * value
            dz[column] = gate * grad[column] * (1 - value * value)
    else:
        for column in range(len(y)):
            at_gate += grad[column] * (y[column] / gate)
            dz[column] = gate * grad[column]
    return at_gate


@njit(cache=KEPT, nogil=True, error_model="numpy")
def input_and_weight_gradients(
    dz_address: int,
    x_address: int,
    weight_address: int,
    in_gates_address: int,
    out_gates_address: int,
    x_grad_address: int,
    weight_grad_address: int,
    in_gates_grad_address: int,
    rate: float,
    rows: int,
    n_out: int,
    n_in: int,
    in_size: int,
    out_size: int,
    first_out: int,
    last_out: int,
    first_in: int,
    last_in: int,
) -> None:
    """Compute the gradients of input, input gates and weight for a range of tiles.

    Args:
        dz_address: ``[rows, n_out * out_size]``, the gradient at the pre-activations.
        x_address: ``[rows, n_in * in_size]``.
        weight_address: ``[n_out, n_in, in_size, out_size]``.
        in_gates_address: ``[rows, n_in]``, or 0.
        out_gates_address: ``[rows, n_out]``, or 0.
        x_grad_address: like ``x``, or 0.
        weight_grad_address: like ``weight``, or 0; tiles that no row opens become 0.
        in_gates_grad_address: like ``in_gates``, or 0.
        rate: if not 0, ``rate`` times its gradient is subtracted from the weight at once, and tiles that no row opens
            are not touched.
        rows: of the batch.
        n_out: output blocks.
        n_in: input blocks.
        in_size: units of an input block.
        out_size: units of an output block.
        first_out: the range of output blocks.
        last_out: its end. If input gradients are wanted, the range must be all of them.
        first_in: the range of input blocks.
        last_in: its end.
    """
    d_in, d_out = n_in * in_size, n_out * out_size
    x = matrix(x_address, rows, d_in)
    in_gates = matrix(in_gates_address, rows, n_in)
    out_gates = matrix(out_gates_address, rows, n_out)
    x_grad = matrix(x_grad_address, rows, d_in)
    weight = matrix(weight_address, n_out * n_in * in_size, out_size)
    out_bits = open_bits(out_gates, rows, n_out)
    in_bits = open_bits(in_gates, rows, n_in)
    scaled = scaled_inputs(x, in_gates, in_size)
    x_start = scaled.ctypes.data if len(scaled) else x_address
    tile_bytes = FLOAT_BYTES * in_size * out_size
    updates = rate != 0
    wants_inputs = len(x_grad) > 0
    wants_weight = weight_grad_address != 0 or updates

    pair_rows = np.empty(rows, np.int64)
    dz_rows = np.empty(rows, np.int64)
    x_grad_rows = np.empty(rows, np.int64)
    packed_x = np.empty((rows, in_size), np.float32)
    packed_dz = np.empty((rows, out_size), np.float32)
    feature_rows = np.empty(in_size, np.int64)
    tile_rows = np.empty(in_size, np.int64)
    transposed = np.empty((out_size, in_size), np.float32)
    step = np.empty((in_size, out_size), np.float32)
    for feature in range(in_size):
        feature_rows[feature] = packed_x.ctypes.data + FLOAT_BYTES * feature
    if wants_inputs:
        x_grad[:, first_in * in_size : last_in * in_size] = 0
    # With gates on one side alone that side has the outer loop: its rows are listed and packed once for all tiles.
    by_input = len(in_gates) > 0 and len(out_gates) == 0
    one_sided = len(in_gates) == 0 or len(out_gates) == 0
    first_outer, last_outer = (first_in, last_in) if by_input else (first_out, last_out)
    first_inner, last_inner = (first_out, last_out) if by_input else (first_in, last_in)
    for outer in range(first_outer, last_outer):
        for inner in range(first_inner, last_inner):
            out, block = (inner, outer) if by_input else (outer, inner)
            again = one_sided and inner > first_inner
            tile = out * n_in + block
            pairs = list_rows(out_bits, out, in_bits, block, pair_rows)
            target = step.ctypes.data if updates else weight_grad_address + tile * tile_bytes
            if pairs == 0:
                if wants_weight and not updates:
                    matrix(target, in_size, out_size)[:] = 0
                continue
            for index in range(pairs):
                row = pair_rows[index]
                dz_rows[index] = dz_address + FLOAT_BYTES * (row * d_out + out * out_size)
                x_grad_rows[index] = x_grad_address + FLOAT_BYTES * (row * d_in + block * in_size)
            tile_weight = weight[tile * in_size : (tile + 1) * in_size]
            if wants_inputs:
                if pairs < DOT_ROWS and in_size % LANES == 0 and out_size % WIDE == 0:
                    for index in range(pairs):
                        start = weight_address + tile * tile_bytes
                        add_dots(x_grad_rows[index], start, dz_rows[index], in_size, out_size)
                else:
                    _transpose(tile_weight, transposed)
                    add_product(
                        x_grad_rows.ctypes.data,
                        dz_rows.ctypes.data,
                        pairs,
                        0,
                        FLOAT_BYTES,
                        transposed.ctypes.data,
                        in_size,
                        out_size,
                        0,
                        0,
                    )
            if wants_weight:
                if not (again and by_input):
                    for index in range(pairs):
                        start = x_start + FLOAT_BYTES * (pair_rows[index] * d_in + block * in_size)
                        packed_x[index] = matrix(start, 1, in_size)[0]
                if not again or by_input:
                    for index in range(pairs):
                        packed_dz[index] = matrix(dz_rows[index], 1, out_size)[0]
                for feature in range(in_size):
                    tile_rows[feature] = target + FLOAT_BYTES * feature * out_size
                add_product(
                    tile_rows.ctypes.data,
                    feature_rows.ctypes.data,
                    in_size,
                    0,
                    FLOAT_BYTES * in_size,
                    packed_dz.ctypes.data,
                    out_size,
                    pairs,
                    1,
                    0,
                )
                if updates:
                    for feature in range(in_size):
                        for column in range(out_size):
                            tile_weight[feature, column] -= np.float32(rate) * step[feature, column]
    if len(in_gates) and wants_inputs:
        in_gates_grad = matrix(in_gates_grad_address, rows, n_in)
        _scale_input_gradients(x_grad, x, in_gates, in_gates_grad, in_size, first_in, last_in)
    keep(scaled)
    keep(packed_x)
    keep(transposed)


@njit
def _transpose(tile: Any, transposed: Any) -> None:
    for column in range(tile.shape[1]):
        for feature in range(tile.shape[0]):
            transposed[column, feature] = tile[feature, column]


@njit(fastmath={"reassoc", "contract"})
def _scale_input_gradients(
    x_grad: Any, x: Any, gates: Any, gates_grad: Any, in_size: int, first: int, last: int
) -> None:
    """Turn the gradients of ``x * gates`` into those of ``x`` and of ``gates``."""
    for row in range(x.shape[0]):
        for block in range(first, last):
            gate = gates[row, block]
            at_gate = np.float32(0)
            if gate != 0:
                for column in range(block * in_size, (block + 1) * in_size):
                    at_gate += x_grad[row, column] * x[row, column]
                    x_grad[row, column] *= gate
            if len(gates_grad):
                gates_grad[row, block] = at_gate
