"""The operation for a few rows: one launch."""

from typing import Any

from torch import Tensor

from kernels.reference import Activation
from kernels.triton.gemv import gated_gemv
from kernels.triton.sizes import Sizes, tuning_key
from kernels.triton.start import start
from kernels.triton.tuning import Config, with_best

# An accumulator holds this many elements per warp, 32 a thread.
ELEMENTS_PER_WARP = 1024


def few_rows(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    in_gates: Tensor | None,
    out_gates: Tensor | None,
    activation: Activation,
) -> Tensor:
    """Compute the operation for a few rows; all tensors are contiguous."""
    sizes = Sizes.of(x.shape[0], weight)
    y = x.new_empty(sizes.batch, sizes.n_out * sizes.out_size)
    arguments: dict[str, Any] = {
        "x": x,
        "weight": weight,
        "bias": bias,
        "in_gates": in_gates,
        "out_gates": out_gates,
        "y": y,
        "n_in": sizes.n_in,
        "n_out": sizes.n_out,
        "width": sizes.width,
        "block_k": sizes.block_k,
        "out_size": sizes.out_size,
        "ragged": sizes.ragged,
        "biased": bias is not None,
        "in_gated": in_gates is not None,
        "out_gated": out_gates is not None,
        "activation": activation,
    }

    def attempt(config: Config) -> None:
        cut = {
            "columns": config.size,
            "chunk": max(1, ELEMENTS_PER_WARP * config.warps // (sizes.block_k * config.size)),
        }
        grid = (sizes.n_out * sizes.out_size // config.size, sizes.batch)
        start(gated_gemv, grid, {**arguments, **cut}, config)

    key = tuning_key("gemv", x, sizes, in_gates is not None, out_gates is not None)
    with_best(key, [Config(16, warps) for warps in (4, 8)] + [Config(min(32, sizes.out_size))], attempt)
    return y
