"""The gathered matrix product for many rows: plan, then multiply."""

import torch
import triton
from torch import Tensor

from kernels.reference import Activation
from kernels.triton.grouped import grouped_product
from kernels.triton.planning import RowLists, TileSizes, gate_words, plan_tiles
from kernels.triton.sizes import Sizes, dot_precision, tuning_key
from kernels.triton.start import start
from kernels.triton.tuning import Config, with_best


def tile_configs(batch: int, block_n: int, dtype: torch.dtype, *, gated: bool) -> list[Config]:
    """Candidates for tiles of the grouped product, the one for unmeasured use first."""
    rows: tuple[int, ...] = (64, 16, 32, 128)
    per_warp, most = 2048, 128 * 128
    if dtype == torch.float32:
        # Each product is three of tf32, which need registers for both halves of either operand.
        rows, per_warp, most = (64, 16, 128), 1024, 64 * 128
    limit = min(128, max(16, triton.next_power_of_2(batch)))
    sizes = [size for size in rows if size <= limit and size * block_n <= most]
    # A gated source is found by a chain of three loads, each of which takes up a stage.
    return [Config(size, 8 if size * block_n > 4 * per_warp else 4, 5 if gated else 3) for size in sizes]


def many_rows(
    result: Tensor | None,
    gate_gradient: Tensor | None,
    *,
    source: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    source_gates: Tensor | None,
    result_gates: Tensor | None,
    result_lists: RowLists | None,
    factor: Tensor | None = None,
    activation: Activation = "identity",
    swapped: bool = False,
) -> None:
    """Write ``activation((source * source_gates) W + bias) * result_gates`` into the open blocks of ``result``.

    If ``swapped``, the source lies on the output side of W, and its gates only mask. ``gate_gradient [B, n_result]``
    receives the sum over each open block of the result before its gate, times ``factor``. ``result_lists`` are of
    ``result_gates``.
    """
    sizes = Sizes.of(source.shape[0], weight)
    of_input = (sizes.n_in, sizes.block_k, sizes.width, sizes.block_k * sizes.out_size)
    of_output = (sizes.n_out, sizes.out_size, sizes.n_out * sizes.out_size, sizes.width * sizes.out_size)
    n_source, block_k, source_width, source_stride = of_output if swapped else of_input
    n_result, block_n, result_width, result_stride = of_input if swapped else of_output
    arguments = {
        "source": source,
        "weight": weight,
        "bias": bias,
        "source_gates": source_gates,
        "result_gates": result_gates,
        "factor": factor,
        "result": result,
        "gate_gradient": gate_gradient,
        "batch": sizes.batch,
        "n_source": n_source,
        "n_result": n_result,
        "source_width": source_width,
        "result_width": result_width,
        "source_stride": source_stride,
        "result_stride": result_stride,
        "step_k": min(block_k, (16 if block_n > 64 else 32) if source.dtype == torch.float32 else 64),
        "block_k": block_k,
        "block_n": block_n,
        "transposed": swapped,
        "ragged_source": sizes.ragged and not swapped,
        "ragged_result": sizes.ragged and swapped,
        "source_gated": source_gates is not None,
        "result_gated": result_gates is not None,
        "scaled": source_gates is not None and not swapped,
        "biased": bias is not None,
        "activation": activation,
        "stored": result is not None,
        "gate_gradient_stored": gate_gradient is not None,
        "precision": dot_precision(source.dtype),
    }
    words = None if source_gates is None else gate_words(source_gates)

    def attempt(config: Config) -> None:
        tile_sizes = TileSizes(sizes.batch, config.size, n_source)
        plan = plan_tiles(tile_sizes, result_lists, words, source.device)
        planned = {name: value for name, value in vars(plan).items() if name != "tiles"}
        grid = (plan.tiles, n_result if result_gates is None else 1)
        start(grouped_product, grid, {**arguments, **planned, "tile_rows": config.size}, config)

    configs = tile_configs(sizes.batch, block_n, source.dtype, gated=source_gates is not None)
    sides = (source_gates is not None, result_gates is not None, swapped)
    with_best(tuning_key("grouped", source, sizes, *sides), configs, attempt)
