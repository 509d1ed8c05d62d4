"""Tests for the interpreter, which must be chosen before Triton is imported: test_interpreter.py runs them."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kernels import block_linear
from kernels import triton as backend
from kernels.autograd import block_linear_operator
from kernels.backend import Needs
from kernels.triton.support import check_rows
from studies.catalogue.portability import STUDY, measure_backends
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
    unsaturated,
    upstream_of,
)
from tests.support.trained import subject_of

ACTIVATIONS = ("identity", "relu", "tanh")
SIDES = ("none", "in", "out", "both")
SHAPE = (3, 2, 16, 32)
# Blocks narrower than their tile, and blocks of several tiles of which the last reaches beyond.
OTHER_SHAPES = ((2, 3, 10, 24), (2, 2, 130, 70))
# The first two take the path for few rows, the others the planned one (33 with gates on both sides too).
ROWS = (1, 5, 33, 130)
PORTABILITY = STUDY.scales["default"]
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


sizes = st.one_of(st.integers(1, 20), st.integers(1, 130))


# Shrinking takes an interpreter longer than a test may.
@settings(max_examples=30, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=st.tuples(*[st.integers(1, 3)] * 2, *[sizes] * 2),
    rows=st.sampled_from([1, 2, 9, 65]),
    sides=st.sampled_from(SIDES),
    density=st.sampled_from([0.0, 0.4, 1.0]),
    activation=st.sampled_from(ACTIVATIONS),
    bias=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_agrees_with_blocks_of_any_size(shape, rows, sides, density, activation, bias, seed):
    assert_agrees(
        unsaturated(case_of(shape, rows=rows, sides=sides, density=density, bias=bias, seed=seed)), activation
    )


@pytest.mark.parametrize("rows", [2, 40])
@pytest.mark.parametrize(
    ("shape", "sides"),
    [
        ((1, 4, 16, 10), "in"),  # a read-out of ten classes
        ((1, 1, 256, 480), "both"),  # a dense layer, gated as a whole
        ((1, 2, 480, 16), "in"),
        ((1, 1, 480, 256), "none"),
        ((2, 2, 1, 1), "both"),
        ((2, 5, 4, 4), "both"),
    ],
)
def test_agrees_with_narrow_and_with_wide_blocks(shape, sides, rows):
    assert_agrees(unsaturated(case_of(shape, rows=rows, sides=sides)), "tanh")


@pytest.mark.parametrize("rows", [5, 40])
@pytest.mark.parametrize("shape", [SHAPE, *OTHER_SHAPES])
def test_programs_may_run_in_any_order(rows, shape, monkeypatch):
    from triton.runtime.interpreter import InterpreterBuilder

    case = unsaturated(case_of(shape, rows=rows))
    forwards = computed(case, "tanh")
    place = InterpreterBuilder.set_grid_idx

    def backwards(builder: Any, *at: int) -> None:
        place(builder, *(size - 1 - each for size, each in zip(builder.grid_dim, at, strict=True)))

    monkeypatch.setattr(InterpreterBuilder, "set_grid_idx", backwards)
    assert_same_bits(computed(case, "tanh"), forwards)


@pytest.mark.parametrize("rows", [3, 40])
@pytest.mark.parametrize("in_size", [1, 20, 100, 256])
@pytest.mark.parametrize("n_in", [1, 3])
@pytest.mark.parametrize("sides", ["none", "out"])
def test_ungated_inputs_may_have_any_size(rows, in_size, n_in, sides):
    assert_agrees(case_of((3, n_in, in_size, 16), rows=rows, sides=sides), "relu")


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
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("shape", OTHER_SHAPES)
def test_16_bits_round_as_pytorch_whatever_the_size(rows, dtype, shape):
    assert_rounds_as_pytorch(unsaturated(case_of(shape, dtype=dtype, rows=rows)), "tanh", times=ROUNDING[dtype])


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
@pytest.mark.parametrize(("shape", "sides"), [(SHAPE, "in"), (SHAPE, "both"), (OTHER_SHAPES[0], "both")])
def test_a_mask_of_the_input_is_gates_of_one(rows, shape, sides):
    case = case_of(shape, rows=rows, sides=sides)
    assert case.in_gates is not None
    mask = case.in_gates != 0
    ones = computed(replace(case, in_gates=mask.float()), "tanh")
    masked = computed(replace(case, in_gates=mask), "tanh", needs=ALL._replace(in_gates=False))
    assert_same_bits(masked, {name: ones[name] for name in masked})


@pytest.mark.parametrize(("strategy", "rows"), [("top_k", 5), *((name, 40) for name in PORTABILITY.strategies)])
def test_the_ten_class_network_of_portability_trains_and_answers_as_in_double_precision(strategy, rows, monkeypatch):
    # How long an interpreter takes says nothing.
    for name, value in {"BATCH": rows, "COMPILERS": (), "_seconds": lambda *_: {}}.items():
        monkeypatch.setattr(measure_backends, name, value)
    (network,), (density,) = PORTABILITY.networks, PORTABILITY.densities
    own = PORTABILITY.strategy_settings.get(strategy, {})
    subject = subject_of(strategy, network=network, epochs=4, density=density, **own)
    assert subject.network.architecture.classes == 10
    # Two steps of ten: after the first of Adam every bias of the head is plus or minus the learning rate, and rounding
    # decides what an example without open blocks is.
    monkeypatch.setattr(measure_backends, "TRAINING", {**measure_backends.TRAINING, "batch_size": 10})
    few = replace(subject.train, x=subject.train.x[:20], y=subject.train.y[:20])
    measured = measure_backends.measure(replace(subject, train=few))
    (answers,) = [way for way in measured["ways"] if way["way"] == "triton"]
    assert (answers["reason"], answers["other_gates"], answers["equal_predictions"]) == (None, 0, 1)
    assert 0 < answers["difference"] < 1e-4
    (training,) = [way for way in measured["training"] if way["way"] == "triton"]
    assert (training["reason"], training["equal_predictions"]) == (None, 1)
    assert 0 < training["parameter_difference"] < 1e-4


@pytest.mark.parametrize("kind", ["feed_forward", "feed_forward_training"])
@pytest.mark.parametrize("rows", [1, 40])
def test_the_feed_forward_layer_of_the_benchmark_agrees_with_the_reference(kind, rows):
    layer = FeedForward(TimingCase(kind, rows, 32, 32, 16, 1 / 4, "hidden"), "cpu", torch.float32)
    for number in (0, 1):
        found, right = layer.ours("triton")(number), layer.ours("reference")(number)
        torch.testing.assert_close(found, right, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rows", [5, 40])
@pytest.mark.parametrize(
    ("shape", "activation"),
    [
        *(((4, 5, 16, 16), activation) for activation in ACTIVATIONS),
        ((3, 2, 20, 10), "tanh"),
        ((3, 2, 70, 130), "relu"),
    ],
)
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_nothing_behind_closed_gates_is_read(rows, shape, activation, value):
    case = case_of(shape, rows=rows, density=0.4)
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


@pytest.mark.parametrize(("shape", "sides"), [*((SHAPE, sides) for sides in SIDES), (OTHER_SHAPES[1], "both")])
@pytest.mark.parametrize("name", NAMES)
def test_one_gradient_alone_is_the_same_as_among_all(name, shape, sides):
    case = case_of(shape, rows=40, sides=sides)
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
    ("shape", "in_gated", "programs"),
    [
        ((65_536, 1, 8, 10), False, 65_536),
        ((1, 1, 1, 64 * 65_536), False, 65_536),
        ((1, 64 * 65_536, 1, 1), True, 65_536),
    ],
)
def test_more_blocks_than_a_grid_has_room_for_are_refused(shape, in_gated, programs):
    found = backend.unsupported(call_of(torch.empty(shape, device="meta"), in_gated=in_gated))
    assert found is not None
    assert found.startswith(f"the blocks take {programs} programs along an axis of a grid, which has room for 65535")
    n_out, n_in, in_size, out_size = shape
    fits = (max(1, n_out - 1), max(1, n_in - 64), in_size, max(1, out_size - 64))
    assert backend.unsupported(call_of(torch.empty(fits, device="meta"), in_gated=in_gated)) is None


def test_more_elements_than_an_offset_can_reach_are_refused():
    weight = torch.empty(1024, 1024, 64, 64, device="meta")
    found = backend.unsupported(call_of(weight))
    assert found is not None
    assert "32-bit offsets" in found
    with pytest.raises(ValueError, match="70000000 rows have more than 2147483647 elements"):
        check_rows(70_000_000, (2, 2, 16, 16))
