"""The Triton back end on the device."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch

from kernels import triton as backend
from tests.kernels.cases import Case, random_case, random_gates
from tests.kernels.triton.agreement import (
    ALL,
    assert_agrees,
    assert_rounds_as_pytorch,
    assert_same_bits,
    computed,
    poisoned,
    unsaturated,
    upstream_of,
)

pytest.importorskip("triton", reason="triton is not installed")
pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")]

ROWS = (1, 5, 33, 130, 1000)
SIDES = ("none", "in", "out", "both")
SHAPE = (6, 5, 64, 64)
# Blocks narrower than their tile, and blocks of several tiles of which the last reaches beyond.
OTHER_SHAPES = ((5, 6, 10, 24), (2, 3, 200, 130))
# Three products of TF32 keep 22 bits of a factor's 24.
TF32X3 = 2e-5


def case_of(*, dtype: torch.dtype = torch.float32, shape: tuple[int, ...] = SHAPE, **changes: Any) -> Case:
    return random_case(shape, **changes).map(lambda tensor: tensor.to(dtype).to("cuda"))


@pytest.fixture
def without_waiting() -> Iterator[None]:
    """An error wherever the host waits for the device."""
    torch.cuda.set_sync_debug_mode("error")
    yield
    torch.cuda.set_sync_debug_mode("default")


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("activation", ["identity", "relu", "tanh"])
def test_float32_agrees_with_the_reference(rows, sides, activation):
    assert_agrees(case_of(rows=rows, sides=sides), activation, tolerance=TF32X3)


@pytest.mark.parametrize("rows", ROWS[1:])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_16_bits_round_as_pytorch(rows, dtype, sides, activation):
    assert_rounds_as_pytorch(case_of(rows=rows, sides=sides, dtype=dtype), activation)


@pytest.mark.parametrize("rows", [5, 130])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("shape", [(1, 1, 16, 16), (3, 4, 64, 64)])
def test_gradients_of_saturated_units_are_no_noise(rows, dtype, shape):
    case = case_of(shape=shape, rows=rows, density=1.0, dtype=dtype)
    case.weight.mul_(4)
    assert_rounds_as_pytorch(case, "tanh")


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_mask_of_the_input_is_gates_of_one(rows, dtype):
    case = case_of(rows=rows, dtype=dtype)
    assert case.in_gates is not None
    mask = case.in_gates != 0
    ones = computed(replace(case, in_gates=mask.to(dtype)), "tanh")
    masked = computed(replace(case, in_gates=mask), "tanh", needs=ALL._replace(in_gates=False))
    for name, tensor in masked.items():
        largest = ones[name].abs().max()
        assert (tensor - ones[name]).abs().max() <= max(TF32X3, 4 * torch.finfo(dtype).eps) * largest, name


@pytest.mark.parametrize("rows", [5, 130])
@pytest.mark.parametrize("shape", [(3, 70, 16, 16), (2, 2, 128, 128), (2, 3, 32, 128), (3, 2, 128, 16)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_block_sizes_agree_with_the_reference(rows, shape, dtype):
    case = case_of(shape=shape, rows=rows, density=0.3, dtype=dtype)
    if dtype == torch.float32:
        assert_agrees(case, "tanh", tolerance=TF32X3)
    else:
        assert_rounds_as_pytorch(case, "tanh")


@pytest.mark.parametrize("rows", [5, 65])
@pytest.mark.parametrize(
    ("shape", "sides"),
    [
        ((1, 4, 16, 10), "in"),  # a read-out of ten classes
        ((3, 3, 8, 4), "both"),
        ((4, 8, 48, 24), "out"),
        ((2, 1, 480, 256), "both"),
        ((1, 1, 480, 256), "none"),
        *((shape, "both") for shape in OTHER_SHAPES),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_other_block_sizes_agree_with_the_reference(rows, shape, sides, dtype):
    case = unsaturated(case_of(shape=shape, rows=rows, sides=sides, dtype=dtype))
    if dtype == torch.float32:
        assert_agrees(case, "tanh", tolerance=TF32X3)
    else:
        assert_rounds_as_pytorch(case, "tanh")


@pytest.mark.parametrize("rows", [3, 130])
@pytest.mark.parametrize("in_size", [20, 784])
def test_one_ungated_input_block_may_have_any_size(rows, in_size):
    assert_agrees(case_of(shape=(4, 1, in_size, 64), rows=rows, sides="out"), "relu", tolerance=TF32X3)


@pytest.mark.parametrize("rows", [5, 130])
@pytest.mark.parametrize("shape", [SHAPE, (5, 6, 10, 24), (3, 3, 200, 130)])
def test_nothing_behind_closed_gates_is_read(rows, shape):
    case = case_of(shape=shape, rows=rows, density=0.4)
    assert case.in_gates is not None
    assert case.out_gates is not None
    case.in_gates[:, 1] = 0.0
    case.out_gates[:, 2] = 0.0
    clean, bad = (
        computed(changed, "tanh", upstream) for changed, upstream in (poisoned(case, 0.0), poisoned(case, float("nan")))
    )
    assert all(torch.isfinite(tensor).all() for tensor in bad.values())
    assert_same_bits(clean, bad)


@pytest.mark.parametrize("rows", [5, 1000])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [SHAPE, *OTHER_SHAPES])
def test_equal_calls_are_bitwise_equal(rows, dtype, shape):
    case = case_of(shape=shape, rows=rows, dtype=dtype)
    first = computed(case, "tanh")
    for _ in range(5):
        assert_same_bits(first, computed(case, "tanh"))


@pytest.mark.parametrize("rows", [5, 130])
@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("shape", [SHAPE, *OTHER_SHAPES])
def test_unmeasured_configurations_agree_and_use_no_unwritten_memory(rows, sides, shape):
    torch.use_deterministic_algorithms(True)  # fills fresh tensors with NaN
    try:
        assert_agrees(unsaturated(case_of(shape=shape, rows=rows, sides=sides)), "tanh", tolerance=TF32X3)
    finally:
        torch.use_deterministic_algorithms(False)


@pytest.mark.parametrize("rows", [5, 130])
@pytest.mark.parametrize("shape", [SHAPE, *OTHER_SHAPES])
def test_the_host_never_waits(rows, shape, request):
    case = case_of(shape=shape, rows=rows)
    upstream = upstream_of(case)
    computed(case, "tanh", upstream)  # measures configurations, which waits
    torch.cuda.synchronize()
    request.getfixturevalue("without_waiting")
    computed(case, "tanh", upstream)


@pytest.mark.parametrize("rows", [5, 130])
@pytest.mark.parametrize("shape", [SHAPE, *OTHER_SHAPES])
def test_a_captured_graph_follows_gates_that_change_between_replays(rows, shape):
    case = case_of(shape=shape, rows=rows)
    assert case.in_gates is not None
    assert case.out_gates is not None
    upstream = upstream_of(case)
    computed(case, "tanh", upstream)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        arguments = (case.x, case.weight, case.bias, case.in_gates, case.out_gates)
        y = backend.forward(arguments, "tanh")
        gradients = backend.backward(upstream, arguments, y, "tanh", "open", ALL)
    generator = torch.Generator().manual_seed(7)
    for density in (0.1, 0.5, 0.0, 1.0):
        for gates in (case.in_gates, case.out_gates):
            gates.copy_(random_gates(gates.shape[0], gates.shape[1], density, "real", generator))
        graph.replay()
        found = {"y": y, **dict(zip(case.tensors(), gradients, strict=True))}
        replayed = {name: tensor.clone() for name, tensor in found.items() if tensor is not None}
        assert_same_bits(replayed, computed(case, "tanh", upstream))
