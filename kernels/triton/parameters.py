"""Gradients before the activation, of output gates, weight and bias."""

import torch
import triton
from torch import Tensor

from kernels.reference import Activation
from kernels.triton.gradients import bias_gradient, output_gradient, weight_gradient
from kernels.triton.planning import RowLists
from kernels.triton.sizes import Sizes, dot_precision, tuning_key
from kernels.triton.start import start
from kernels.triton.tuning import Config, with_best

ROWS_OF_TILE = 16
BIAS_ROWS, BIAS_COLUMNS = 128, 16


def before_activation(
    grad: Tensor,
    y: Tensor,
    out_gates: Tensor | None,
    weight: Tensor,
    activation: Activation,
    *,
    stored: bool,
    gate_gradient: Tensor | None,
) -> Tensor | None:
    """Gradient ``[B, n_out * out_size]`` before the activation, undefined in closed blocks, if ``stored``."""
    if out_gates is None and activation == "identity":
        return grad
    if not stored and gate_gradient is None:
        return None
    n_out, _, _, out_size = weight.shape
    before = torch.empty_like(grad) if stored else None
    arguments = {
        "grad": grad,
        "y": y,
        "out_gates": out_gates,
        "before": before,
        "gate_gradient": gate_gradient,
        "batch": grad.shape[0],
        "n_out": n_out,
        "tile_rows": ROWS_OF_TILE,
        "out_size": out_size,
        "gated": out_gates is not None,
        "activation": activation,
        "stored": stored,
        "gate_gradient_stored": gate_gradient is not None,
    }
    start(output_gradient, (triton.cdiv(grad.shape[0], ROWS_OF_TILE), n_out), arguments, Config(0))
    return before


def weight_configs(sizes: Sizes, dtype: torch.dtype) -> list[Config]:
    """Candidates for the gradient of the weight, the one for unmeasured use first; larger ones spill registers."""
    elements = sizes.block_k * sizes.out_size
    chunks: tuple[int, ...] = (32, 16, 64)
    if dtype == torch.float32:
        chunks = (16,) if elements > 64 * 128 else (32, 16)
    return [Config(chunk, 8 if elements > 64 * 128 else 4) for chunk in chunks]


def of_weight(
    x: Tensor, before: Tensor, weight: Tensor, in_gates: Tensor | None, lists: RowLists | None, listed: str
) -> Tensor:
    """Gradient of the weight; ``listed`` says of which side ``lists`` are, "out" or "in", or "all" without lists."""
    sizes = Sizes.of(x.shape[0], weight)
    gradient = torch.empty_like(weight)
    arguments = {
        "x": x,
        "before": before,
        "in_gates": in_gates,
        "rows": None if lists is None else lists.rows,
        "counts": None if lists is None else lists.counts,
        "gradient": gradient,
        "batch": sizes.batch,
        "n_in": sizes.n_in,
        "n_out": sizes.n_out,
        "width": sizes.width,
        "block_k": sizes.block_k,
        "out_size": sizes.out_size,
        "ragged": sizes.ragged,
        "listed": listed,
        "in_gated": in_gates is not None,
        "precision": dot_precision(x.dtype),
    }

    def attempt(config: Config) -> None:
        start(weight_gradient, (sizes.n_in, sizes.n_out), {**arguments, "chunk": config.size}, config)

    key = tuning_key("weight", x, sizes, in_gates is not None, listed)
    with_best(key, weight_configs(sizes, x.dtype), attempt)
    return gradient


def of_bias(before: Tensor, weight: Tensor, lists: RowLists | None) -> Tensor:
    """Gradient of the bias; ``lists`` are of the output blocks, or None for all rows."""
    n_out, _, _, out_size = weight.shape
    gradient = before.new_empty(n_out * out_size)
    arguments = {
        "before": before,
        "rows": None if lists is None else lists.rows,
        "counts": None if lists is None else lists.counts,
        "gradient": gradient,
        "batch": before.shape[0],
        "n_out": n_out,
        "chunk": BIAS_ROWS,
        "out_size": out_size,
        "columns": BIAS_COLUMNS,
        "listed": lists is not None,
    }
    start(bias_gradient, (n_out, out_size // BIAS_COLUMNS), arguments, Config(0))
    return gradient
