"""The operation once more, from its definition: one multiplication at a time, in Python floats."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

FUNCTIONS: dict[str, Callable[[float], float]] = {
    "identity": lambda z: z,
    "relu": lambda z: max(z, 0.0),
    "tanh": math.tanh,
}


def loop(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    in_gates: Tensor | None = None,
    out_gates: Tensor | None = None,
    activation: str = "identity",
) -> Tensor:
    n_out, n_in, in_size, out_size = weight.shape
    rows = []
    for row in range(x.shape[0]):
        values = []
        for out in range(n_out):
            out_gate = 1.0 if out_gates is None else out_gates[row, out].item()
            for unit in range(out_size):
                if out_gate == 0:
                    values.append(0.0)
                    continue
                total = 0.0 if bias is None else bias[out * out_size + unit].item()
                for block in range(n_in):
                    in_gate = 1.0 if in_gates is None else in_gates[row, block].item()
                    if in_gate == 0:
                        continue
                    for feature in range(in_size):
                        read = x[row, block * in_size + feature].item()
                        total += read * in_gate * weight[out, block, feature, unit].item()
                values.append(FUNCTIONS[activation](total) * out_gate)
        rows.append(values)
    return torch.tensor(rows, dtype=torch.float64).reshape(x.shape[0], n_out * out_size)
