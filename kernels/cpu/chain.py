"""A whole gated network on one example in one call: gaters, decisions, open blocks, read-out."""

import math
from typing import Any

import numpy as np
from numba import njit

from kernels.cpu.compilation import KEPT
from kernels.cpu.forward import finish
from kernels.cpu.memory import keep, matrix, matrix_of_integers
from kernels.cpu.microkernel import FLOAT_BYTES
from kernels.cpu.product import add_product

# Columns of the table of layers.
COLUMNS = 9
WEIGHT, BIAS, GATER_WEIGHT, GATER_BIAS, N_OUT, N_IN, IN_SIZE, OUT_SIZE, OPEN = range(COLUMNS)
THRESHOLD, SAMPLED, TOP = range(3)


@njit(cache=KEPT, nogil=True, error_model="numpy")
def run_chain(
    x_address: int,
    table_address: int,
    layers: int,
    uniform_address: int,
    gates_address: int,
    logits_address: int,
    widest: int,
    activation: int,
    rule: int,
    scale: float,
) -> None:
    """Classify one example.

    Args:
        x_address: ``[features]``.
        table_address: int64 ``[layers + 1, COLUMNS]``, a row per gated layer and one for the read-out: the addresses of
            the weight ``[n_out, n_in, in_size, out_size]``, its bias, the gater's weight ``[n_in * in_size, n_out]``,
            its bias, the four sizes and how many blocks ``TOP`` opens.
        layers: how many are gated.
        uniform_address: the uniform draws of all layers, one after another, if gates are sampled.
        gates_address: where the gates of all layers go, one after another.
        logits_address: ``[classes]``, the result.
        widest: the largest number of units of a layer.
        activation: as in :func:`kernels.cpu.forward.finish`.
        rule: ``THRESHOLD`` opens where the probability is above 1/2, ``SAMPLED`` where the draw is below it, ``TOP``
            the highest scores.
        scale: of the scores: the probability is ``sigmoid(scale * score)``.
    """
    table = matrix_of_integers(table_address, layers + 1, COLUMNS)
    hidden = np.empty((2, widest), np.float32)
    open_blocks = np.empty((2, widest), np.int64)
    taken = np.empty(widest, np.bool_)
    addresses = np.empty(2, np.int64)
    c, a = addresses.ctypes.data, addresses.ctypes.data + 8
    seen = x_address
    reading = 0
    reads = table[0, N_IN]
    for block in range(reads):
        open_blocks[0, block] = block
    for number in range(layers):
        layer = table[number]
        n_out, in_size, out_size = layer[N_OUT], layer[IN_SIZE], layer[OUT_SIZE]
        gates = matrix(gates_address, 1, n_out)[0]
        addresses[0], addresses[1] = gates_address, seen
        gates[:] = matrix(layer[GATER_BIAS], 1, n_out)[0]
        for index in range(reads):
            block = open_blocks[reading, index]
            tile = layer[GATER_WEIGHT] + FLOAT_BYTES * block * in_size * n_out
            add_product(c, a, 1, FLOAT_BYTES * block * in_size, FLOAT_BYTES, tile, n_out, in_size, 0, 0)
        decide(gates, matrix(uniform_address, 1, n_out), rule, np.float32(scale), layer[OPEN], taken)

        writing = 1 - reading
        writes = 0
        target = hidden[writing]
        tile_bytes = FLOAT_BYTES * in_size * out_size
        bias = matrix(layer[BIAS], 1, n_out * out_size)[0]
        for out in range(n_out):
            if gates[out] == 0:
                continue
            open_blocks[writing, writes] = out
            writes += 1
            units = target[out * out_size : (out + 1) * out_size]
            units[:] = bias[out * out_size : (out + 1) * out_size]
            addresses[0] = target.ctypes.data + FLOAT_BYTES * out * out_size
            weights = layer[WEIGHT] + out * layer[N_IN] * tile_bytes
            for index in range(reads):
                block = open_blocks[reading, index]
                offset = FLOAT_BYTES * block * in_size
                add_product(c, a, 1, offset, FLOAT_BYTES, weights + block * tile_bytes, out_size, in_size, 0, 0)
            finish(units, units, activation, np.float32(1))
        seen = target.ctypes.data
        reading, reads = writing, writes
        gates_address += FLOAT_BYTES * n_out
        if uniform_address:
            uniform_address += FLOAT_BYTES * n_out
    readout = table[layers]
    classes, in_size = readout[OUT_SIZE], readout[IN_SIZE]
    matrix(logits_address, 1, classes)[0, :] = matrix(readout[BIAS], 1, classes)[0]
    addresses[0], addresses[1] = logits_address, seen
    for index in range(reads):
        block = open_blocks[reading, index]
        tile = readout[WEIGHT] + FLOAT_BYTES * block * in_size * classes
        add_product(c, a, 1, FLOAT_BYTES * block * in_size, FLOAT_BYTES, tile, classes, in_size, 0, 0)
    keep(hidden)
    keep(addresses)


@njit(cache=KEPT, nogil=True)
def decide_rows(
    scores_address: int, uniform_address: int, rows: int, blocks: int, rule: int, scale: float, count: int
) -> None:
    """Replace the scores ``[rows, blocks]`` by binary gates; arguments as in :func:`run_chain`."""
    scores = matrix(scores_address, rows, blocks)
    uniform = matrix(uniform_address, rows, blocks)
    taken = np.empty(blocks, np.bool_)
    for row in range(rows):
        decide(scores[row], uniform[row : row + 1], rule, np.float32(scale), count, taken)


@njit
def decide(scores: Any, uniform: Any, rule: int, scale: Any, count: int, taken: Any) -> None:
    """Replace one example's scores by binary gates; ``taken`` is room for as many flags."""
    if rule == TOP:
        keep_highest(scores, count, taken)
        return
    for block in range(len(scores)):
        probability = np.float32(1) / (np.float32(1) + np.float32(math.exp(-scale * scores[block])))
        threshold = uniform[0, block] if rule == SAMPLED else np.float32(0.5)
        scores[block] = np.float32(1) if probability > threshold else np.float32(0)


@njit
def keep_highest(scores: Any, count: int, taken: Any) -> None:
    """Set the ``count`` highest scores to 1 and the rest to 0; ``taken`` is room for as many flags."""
    taken[: len(scores)] = False
    for _ in range(count):
        best = -1
        for block in range(len(scores)):
            if not taken[block] and (best < 0 or scores[block] > scores[best]):
                best = block
        taken[best] = True
    for block in range(len(scores)):
        scores[block] = np.float32(1) if taken[block] else np.float32(0)
