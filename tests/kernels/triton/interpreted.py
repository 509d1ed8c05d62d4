"""Tests for the interpreter, which must be chosen before Triton is imported: test_interpreter.py runs them."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch

from core.architecture import Architecture
from core.data import load, split
from core.seeding import SeedStreams
from core.training.batch import CountedBatch
from core.training.settings import TrainingSettings
from core.training.train import train
from kernels import block_linear, use_backend
from kernels import triton as backend
from kernels.autograd import block_linear_operator
from kernels.backend import Needs
from kernels.triton.support import check_rows
from strategies import find
from studies.timing.cases import Case as TimingCase
from studies.timing.feed_forward import FeedForward
from tests.kernels.cases import Case, random_case
from tests.kernels.triton.agreement import (
    ALL,
    NAMES,
    assert_agrees,
    assert_rounds_as_pytorch,
    assert_same_bits,
    call_of,
    computed,
    poisoned,
    upstream_of,
)

ACTIVATIONS = ("identity", "relu", "tanh")
SIDES = ("none", "in", "out", "both")
SHAPE = (3, 2, 16, 32)
# The first two take the path for few rows, the others the planned one (33 with gates on both sides too).
ROWS = (1, 5, 33, 130)
# The interpreter cuts off what bfloat16 cannot hold, where a GPU rounds: all errors are of one sign, and add up.
ROUNDING = {torch.float16: 1.5, torch.bfloat16: 4}


@pytest.fixture(autouse=True)
def unwritten_memory_is_not_finite() -> Iterator[None]:
    """Fresh tensors hold NaN, or the largest integer, until something is written."""
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)


def case_of(shape: tuple[int, ...], *, dtype: torch.dtype = torch.float32, **changes: Any) -> Case:
    return random_case(shape, **changes).map(lambda tensor: tensor.to(dtype))


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_agrees_with_the_reference(rows, sides, activation):
    assert_agrees(case_of(SHAPE, rows=rows, sides=sides), activation)


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("kind", ["binary", "real"])
def test_agrees_without_a_bias(rows, kind):
    assert_agrees(case_of(SHAPE, rows=rows, kind=kind, bias=False), "tanh")


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("density", [0.0, 0.1, 1.0])
def test_agrees_all_closed_hardly_open_and_all_open(rows, density):
    assert_agrees(case_of((2, 3, 32, 16), rows=rows, density=density), "relu")


@pytest.mark.parametrize("rows", [5, 40])
@pytest.mark.parametrize("sides", ["in", "out"])
def test_agrees_all_closed_on_one_side(rows, sides):
    assert_agrees(case_of(SHAPE, rows=rows, density=0.0, sides=sides), "tanh")


@pytest.mark.parametrize("rows", [3, 40])
@pytest.mark.parametrize(
    "shape", [(1, 1, 16, 16), (5, 1, 16, 16), (1, 5, 32, 16), (2, 2, 64, 128), (2, 2, 128, 64), (3, 70, 16, 16)]
)
def test_agrees_on_odd_shapes(rows, shape):
    assert_agrees(case_of(shape, rows=rows, density=0.3), "tanh")


@pytest.mark.parametrize("rows", [3, 40])
@pytest.mark.parametrize("in_size", [1, 20, 100, 256])
@pytest.mark.parametrize("sides", ["none", "out"])
def test_one_ungated_input_block_may_have_any_size(rows, in_size, sides):
    assert_agrees(case_of((3, 1, in_size, 16), rows=rows, sides=sides), "relu")


@pytest.mark.parametrize("sides", SIDES)
def test_a_batch_of_no_rows_gives_no_rows_and_zero_gradients(sides):
    found = computed(case_of(SHAPE, rows=0, sides=sides), "tanh")
    assert found.pop("y").shape == (0, 96)
    assert found
    assert all(torch.equal(gradient, torch.zeros_like(gradient)) for gradient in found.values())


@pytest.mark.parametrize("rows", [5, 40])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("sides", ["none", "both"])
def test_16_bits_round_as_pytorch(rows, dtype, sides):
    assert_rounds_as_pytorch(case_of(SHAPE, dtype=dtype, rows=rows, sides=sides), "tanh", times=ROUNDING[dtype])


@pytest.mark.parametrize("rows", [5, 40])
@pytest.mark.parametrize("shape", [(1, 1, 16, 16), (3, 4, 64, 64)])
def test_gradients_of_saturated_units_are_no_noise(rows, shape):
    case = case_of(shape, rows=rows, density=1.0, dtype=torch.float16)
    case.weight.mul_(4)
    assert_rounds_as_pytorch(case, "tanh")


@pytest.mark.parametrize("rows", [5, 40])
@pytest.mark.parametrize("operator", [False, True], ids=["eager", "operator"])
def test_autograd_goes_through_the_saved_activation(rows, operator):
    case = case_of(SHAPE, rows=rows, dtype=torch.float16)
    leaves = case.map(lambda tensor: tensor.clone().requires_grad_())
    arguments = (leaves.x, leaves.weight, leaves.bias, leaves.in_gates, leaves.out_gates)
    if operator:
        y = block_linear_operator(*arguments, "triton", "tanh", "open", True)[0]
    else:
        y = block_linear(*arguments, activation="tanh", backend="triton")
    found = torch.autograd.grad(y, list(leaves.tensors().values()), upstream_of(case))
    assert_same_bits({"y": y.detach(), **dict(zip(NAMES, found, strict=True))}, computed(case, "tanh"))


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("sides", ["in", "both"])
def test_a_mask_of_the_input_is_gates_of_one(rows, sides):
    case = case_of(SHAPE, rows=rows, sides=sides)
    assert case.in_gates is not None
    mask = case.in_gates != 0
    ones = computed(replace(case, in_gates=mask.float()), "tanh")
    masked = computed(replace(case, in_gates=mask), "tanh", needs=ALL._replace(in_gates=False))
    assert_same_bits(masked, {name: ones[name] for name in masked})


@pytest.mark.parametrize("rows", [5, 40])
def test_a_trained_network_decides_and_answers_as_on_the_reference(rows):
    streams = SeedStreams(0, "evaluate", "digits", 0)
    splits = split(load("digits"), streams, "resampled")
    # As many blocks, and classes, as the narrowest tile: pinning covers gaters and read-out too.
    architecture = Architecture.parse("16x16,16x32", 64, 16)
    settings = TrainingSettings.of({"epochs": 2})
    trained = train(find("top_k"), {}, architecture, splits, streams, settings, density=1 / 4)
    trained.strategy.eval()
    x = splits.validation.x[:rows]
    passes = {}
    for name in ("reference", "triton"):
        with use_backend(name), torch.no_grad():
            batch = CountedBatch(trained.network, x, None, torch.Generator(), density=1 / 4)
            passes[name] = trained.strategy.infer(batch)
    for ours, reference in zip(passes["triton"].decisions, passes["reference"].decisions, strict=True):
        assert torch.equal(ours.gates, reference.gates)
    torch.testing.assert_close(passes["triton"].output, passes["reference"].output, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["feed_forward", "feed_forward_training"])
@pytest.mark.parametrize("rows", [1, 40])
def test_the_feed_forward_layer_of_the_benchmark_agrees_with_the_reference(kind, rows):
    layer = FeedForward(TimingCase(kind, rows, 32, 32, 16, 1 / 4, "hidden"), "cpu", torch.float32)
    for number in (0, 1):
        found, right = layer.ours("triton")(number), layer.ours("reference")(number)
        torch.testing.assert_close(found, right, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rows", [5, 40])
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nothing_behind_closed_gates_is_read(rows, activation, value):
    case = case_of((4, 5, 16, 16), rows=rows, density=0.4)
    assert case.in_gates is not None
    assert case.out_gates is not None
    case.in_gates[:, 1] = 0.0
    case.out_gates[:, 2] = 0.0
    case.in_gates[case.out_gates[:, 0] != 0, 0] = 0.0
    clean, bad = (
        computed(poisoned_case, activation, upstream)
        for poisoned_case, upstream in (poisoned(case, 0.0), poisoned(case, value))
    )
    assert all(torch.isfinite(tensor).all() for tensor in bad.values())
    assert_same_bits(clean, bad)


@pytest.mark.parametrize("rows", [5, 40])
def test_poison_in_open_blocks_does_pass_on(rows):
    case = case_of(SHAPE, rows=rows, density=1.0)
    case.x[2, 3] = float("nan")
    is_nan = computed(case, "relu")["y"].isnan()
    assert is_nan[2].all()
    assert not is_nan[:2].any()
    assert not is_nan[3:].any()


@pytest.mark.parametrize("rows", [5, 40])
def test_equal_calls_are_bitwise_equal(rows):
    case = case_of(SHAPE, rows=rows)
    assert_same_bits(computed(case, "tanh"), computed(case, "tanh"))


@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("name", NAMES)
def test_one_gradient_alone_is_the_same_as_among_all(name, sides):
    case = case_of(SHAPE, rows=40, sides=sides)
    needs = Needs(*(each == name for each in NAMES))
    together, alone = computed(case, "tanh"), computed(case, "tanh", needs=needs)
    assert alone.keys() == {"y", name} & together.keys()
    assert_same_bits(alone, {each: together[each] for each in alone})


def test_strided_arguments_give_the_same_result():
    case = case_of(SHAPE, rows=40)
    strided = case.map(lambda tensor: torch.stack([tensor, tensor + 1], dim=-1)[..., 0])
    assert not any(tensor.is_contiguous() for tensor in strided.tensors().values())
    assert_same_bits(computed(strided, "tanh"), computed(case, "tanh"))


def test_tanh_is_accurate_from_tiny_to_huge_values():
    values = torch.tensor([0.0, 1e-8, 1e-3, 0.05, 0.0999, 0.1001, 0.5, 1.0, 5.0, 20.0, 200.0])
    values = torch.cat([values, -values, torch.zeros(10)])
    case = Case(torch.zeros(1, 16), torch.zeros(1, 1, 16, 32), values, None, None)
    torch.testing.assert_close(computed(case, "tanh")["y"][0], torch.tanh(values), rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    ("shape", "sides", "reason"),
    [
        ((2, 2, 16, 8), "both", "out_size is 8"),
        ((2, 2, 16, 48), "both", "out_size is 48"),
        ((2, 2, 20, 16), "out", "in_size is 20"),
        ((2, 1, 20, 16), "in", "in_size is 20"),
        ((2, 2, 256, 16), "both", "in_size is 256"),
    ],
)
def test_sizes_that_do_not_fit_are_named(shape, sides, reason):
    case = case_of(shape, sides=sides)
    found = backend.unsupported(call_of(case.weight, in_gated=case.in_gates is not None))
    assert found is not None
    assert found.startswith(reason)


def test_more_elements_than_an_offset_can_reach_are_refused():
    weight = torch.empty(1024, 1024, 64, 64, device="meta")
    found = backend.unsupported(call_of(weight))
    assert found is not None
    assert "32-bit offsets" in found
    with pytest.raises(ValueError, match="70000000 rows have more than 2147483647 elements"):
        check_rows(70_000_000, (2, 2, 16, 16))
