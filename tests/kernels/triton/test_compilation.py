"""Every kernel, exactly as it would be launched, compiled ahead of time for GPUs that need not be there."""

import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from kernels import triton as backend
from tests.kernels.triton.agreement import ALL, call_of

triton = pytest.importorskip("triton", reason="triton is not installed")
pytestmark = pytest.mark.skipif(
    os.environ.get("TRITON_INTERPRET") == "1", reason="the interpreter stands in for the compiler"
)

ARCHITECTURES = (80, 90)
DTYPES = {torch.float32: "fp32", torch.float16: "fp16", torch.bfloat16: "bf16", torch.int32: "i32", torch.int64: "i64"}
# 64-wide blocks, as in the networks of Bengio et al. 2015; [n_out, n_in, in_size, out_size].
SHAPE = (4, 4, 64, 64)
# A read-out, blocks narrower than their tile, and blocks of several tiles, of which the last reaches beyond.
OTHER_SHAPES = ((1, 4, 16, 10), (4, 3, 24, 48), (2, 2, 200, 130))
OUT_GATED = ("out", "both")
# Batches that are cut up differently, see tile_config and weight_config.
BATCHES = (130, 600, 2000, 5000)
MATRIX_PRODUCTS = {"grouped_product", "weight_gradient"}
MASKED = MATRIX_PRODUCTS | {"gated_gemv"}
OTHERS = {"gated_gemv", "list_rows", "pack_gates", "map_tiles", "output_gradient", "bias_gradient"}


@dataclass(frozen=True)
class Launch:
    kernel: Any
    arguments: dict[str, Any]
    options: dict[str, Any]

    def compiled(self, architecture: int) -> Any:
        signature: dict[str, str] = {}
        constants: dict[tuple[int], Any] = {}
        attributes: dict[tuple[int], Any] = {}
        for place, parameter in enumerate(self.kernel.params):
            value = self.arguments[parameter.name]
            if parameter.is_constexpr or value is None:
                signature[parameter.name] = "constexpr"
                constants[place,] = value
                continue
            signature[parameter.name] = f"*{DTYPES[value.dtype]}" if isinstance(value, Tensor) else "i32"
            # Triton sees this by itself at a launch; the allocator's addresses are multiples of 512.
            if isinstance(value, Tensor) or value % 16 == 0:
                attributes[place,] = [["tt.divisibility", 16]]
        source = triton.compiler.ASTSource(self.kernel, signature, constants, attributes)
        target = triton.backends.compiler.GPUTarget("cuda", architecture, 32)
        return triton.compile(source, target=target, options=self.options)


@pytest.fixture
def launches(monkeypatch) -> Callable[..., list[Launch]]:
    """What both passes launch, instead of launching it."""
    made: list[Launch] = []

    def record(kernel: Any, *, grid: Any, warmup: bool, **given: Any) -> None:
        arguments = {name: given.pop(name) for name in kernel.arg_names}
        made.append(Launch(kernel, arguments, given))

    def launches(dtype: torch.dtype, rows: int, *, sides: str = "both", shape: tuple[int, ...] = SHAPE):
        made.clear()
        monkeypatch.setattr(triton.runtime.jit.JITFunction, "run", record)
        n_out, n_in, in_size, out_size = shape
        x, weight = torch.zeros(rows, n_in * in_size, dtype=dtype), torch.zeros(shape, dtype=dtype)
        bias, grad = weight.new_zeros(n_out * out_size), weight.new_zeros(rows, n_out * out_size)
        in_gates = weight.new_zeros(rows, n_in) if sides in ("in", "both") else None
        out_gates = weight.new_zeros(rows, n_out) if sides in OUT_GATED else None
        hidden = torch.empty_like(grad) if backend.saves_hidden(dtype, "tanh", out_gated=sides in OUT_GATED) else None
        operands = x, weight, bias, in_gates, out_gates
        y = backend.forward(operands, "tanh", hidden)
        backend.backward(grad, operands, y, "tanh", "open", ALL)
        return list(made)

    return launches


def spilled_bytes(compiled: Any, folder: Path) -> int:
    """Bytes of a thread's stack, where registers are spilled to; these kernels use it for nothing else."""
    path = folder / "kernel.cubin"
    path.write_bytes(compiled.asm["cubin"])
    command = [triton.knobs.nvidia.cuobjdump.path, "--dump-resource-usage", str(path)]
    usage = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (stack,) = re.findall(r"STACK:(\d+)", usage)
    return int(stack)


def tensor_core_instructions(compiled: Any) -> int:
    return len(re.findall(r"\b(?:wgmma\.mma_async|mma\.sync)", compiled.asm["ptx"]))


def named(launches: list[Launch]) -> set[str]:
    return {launch.kernel.__name__ for launch in launches}


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_matrix_products_use_tensor_cores_and_spill_nothing(launches, dtype, architecture, tmp_path):
    batches = BATCHES[:1] if dtype == torch.float16 else BATCHES
    sides = ("both",) if dtype == torch.float16 else OUT_GATED
    found = [launch for rows in batches for side in sides for launch in launches(dtype, rows, sides=side)]
    products = [launch for launch in found if launch.kernel.__name__ in MATRIX_PRODUCTS]
    assert named(products) == MATRIX_PRODUCTS
    for launch in products:
        compiled = launch.compiled(architecture)
        assert tensor_core_instructions(compiled) > 0, launch
        assert spilled_bytes(compiled, tmp_path) == 0, launch


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_the_other_kernels_spill_nothing(launches, dtype, architecture, tmp_path):
    found = [launch for rows in (1, 256) for launch in launches(dtype, rows)]
    others = [launch for launch in found if launch.kernel.__name__ not in MATRIX_PRODUCTS]
    assert named(others) == OTHERS
    for launch in {launch.kernel.__name__: launch for launch in others}.values():
        assert spilled_bytes(launch.compiled(architecture), tmp_path) == 0, launch


@pytest.mark.slow
@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", OTHER_SHAPES)
def test_other_sizes_use_tensor_cores_and_spill_nothing(launches, shape, dtype, architecture, tmp_path):
    found = [launch for rows in (1, 130) for launch in launches(dtype, rows, shape=shape)]
    assert named(found) == MATRIX_PRODUCTS | OTHERS
    for launch in found:
        compiled = launch.compiled(architecture)
        assert spilled_bytes(compiled, tmp_path) == 0, launch
        if launch.kernel.__name__ in MATRIX_PRODUCTS:
            assert tensor_core_instructions(compiled) > 0, launch


@pytest.mark.parametrize("size", [16, 32, 64, 128])
def test_blocks_of_one_tile_are_not_masked(launches, size):
    shape = (3, 2, size, size)
    found = [launch for rows in (1, 130) for launch in launches(torch.bfloat16, rows, shape=shape)]
    masks = [value for launch in found for name, value in launch.arguments.items() if name.startswith("ragged")]
    assert len(masks) == 2 * len([launch for launch in found if launch.kernel.__name__ in MASKED])
    assert not any(masks)
    gradients = [launch.arguments["gate_gradient"] for launch in found if "gate_gradient" in launch.arguments]
    assert {tuple(gradient.shape) for gradient in gradients if gradient is not None} == {
        (1, 3),
        (1, 2),
        (130, 3),
        (130, 2),
    }


@pytest.mark.parametrize("sides", ["none", "in", "out"])
def test_every_side_compiles(launches, sides):
    found = [launch for rows in (1, 256) for launch in launches(torch.bfloat16, rows, sides=sides)]
    assert named(found) >= MATRIX_PRODUCTS | {"gated_gemv", "bias_gradient"}
    for launch in found:
        assert launch.compiled(90).asm["cubin"]


@pytest.mark.parametrize(
    ("rows", "sides", "forward", "backward"),
    [
        (1, "both", ["gated_gemv"], 8),
        (256, "none", ["grouped_product"], 4),
        (256, "out", ["list_rows", "grouped_product"], 7),
        (256, "both", ["list_rows", "pack_gates", "map_tiles", "grouped_product"], 8),
    ],
)
def test_a_pass_takes_few_launches(launches, rows, sides, forward, backward):
    names = [launch.kernel.__name__ for launch in launches(torch.bfloat16, rows, sides=sides)]
    assert names[: len(forward)] == forward
    assert len(names) - len(forward) == backward


@pytest.mark.parametrize("precision", ["highest", "high", "medium"])
def test_float32_products_follow_the_precision_that_torch_was_told(launches, precision):
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision(precision)
        products = [launch for launch in launches(torch.float32, 256) if launch.kernel.__name__ in MATRIX_PRODUCTS]
    finally:
        torch.set_float32_matmul_precision(before)
    expected = "tf32x3" if precision == "highest" else "tf32"
    assert {launch.arguments["precision"] for launch in products} == {expected}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("source_gated", [False, True])
@pytest.mark.parametrize("result_gated", [False, True])
def test_tiles_fit_the_memory_of_a_processor_and_grow_with_the_batch(dtype, source_gated, result_gated):
    from kernels.triton.many_rows import PIPELINE_BYTES, _step, tile_config

    gated = {"source_gated": source_gated, "result_gated": result_gated}
    for tile in (16, 32, 64, 128):
        found = [tile_config(batch, tile, dtype, **gated) for batch in (1, 16, 40, *BATCHES, 100_000)]
        sizes = [config.size for config in found]
        assert sizes == sorted(sizes)
        assert sizes[0] == 16
        for config in found:
            stage = (config.size + tile) * _step(tile, dtype) * dtype.itemsize
            assert config.stages >= 2
            assert config.stages * stage <= PIPELINE_BYTES


def test_tiles_cover_a_block_of_any_size_and_waste_less_than_one():
    from kernels.triton.sizes import Side

    for size in range(1, 300):
        side = Side(3, size, 3 * size)
        assert side.tile in (16, 32, 64, 128)
        assert side.cuts * side.tile - side.tile < size <= side.cuts * side.tile
        assert side.tile == 16 or size > side.tile // 2
        assert (side.cuts == 1) == (size <= 64 or size == 128)
        assert side.exceeded_by(side.tile) == (size % side.tile != 0)


def test_inputs_without_gates_are_cut_wherever_blocks_end():
    from kernels.triton.sizes import Side, Sizes

    weight = torch.zeros(2, 5, 24, 10)
    assert Sizes.of(7, weight, in_gated=True).inputs == Side(5, 24, 120)
    assert Sizes.of(7, weight, in_gated=False).inputs == Side(2, 64, 120)
    assert Sizes.of(7, torch.zeros(2, 5, 16, 10), in_gated=False).inputs == Side(5, 16, 80)


def test_a_tensor_that_is_not_on_a_gpu_is_refused():
    reason = backend.unsupported(call_of(torch.zeros(SHAPE)))
    assert reason == "the device is cpu, not an NVIDIA GPU"


@pytest.mark.parametrize(
    ("dtype", "gate_grad", "named"), [(torch.float64, "open", "torch.float64"), (torch.float32, "exact", "'exact'")]
)
def test_what_cannot_run_anywhere_is_named(dtype, gate_grad, named):
    reason = backend.unsupported(call_of(torch.zeros(SHAPE, dtype=dtype), gate_grad=gate_grad))
    assert reason is not None
    assert named in reason
