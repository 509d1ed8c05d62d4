from dataclasses import replace
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import linear

from kernels import BACKENDS
from tests.kernels.cases import Case, random_case
from tests.kernels.loop import loop

ACTIVATIONS = ("identity", "relu", "tanh")
SIDES = ("none", "in", "out", "both")
GATE_GRADS = ("open", "exact")


def assert_defined(case: Case, activation: str = "identity", **options: Any) -> None:
    expected = loop(**vars(case), activation=activation)
    torch.testing.assert_close(case.run(activation=activation, **options), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("gate_grad", GATE_GRADS)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("sides", SIDES)
def test_agrees_with_the_definition_on_every_side_and_activation(sides, activation, gate_grad):
    assert_defined(random_case((3, 2, 5, 4), sides=sides), activation, gate_grad=gate_grad)


@pytest.mark.parametrize(
    ("shape", "rows"),
    [((1, 1, 1, 1), 1), ((1, 1, 7, 3), 2), ((5, 1, 3, 2), 4), ((1, 5, 2, 3), 4), ((2, 3, 1, 5), 1), ((3, 2, 4, 1), 5)],
)
@pytest.mark.parametrize("kind", ["binary", "real"])
def test_agrees_with_the_definition_on_odd_shapes(shape, rows, kind):
    assert_defined(random_case(shape, rows=rows, kind=kind))


@pytest.mark.parametrize("backend", ["reference", "cpu"])
@pytest.mark.parametrize("sides", ["in", "out", "both"])
def test_gates_of_bool_are_gates_of_0_and_1(backend, sides):
    case = random_case((3, 2, 5, 4), rows=40, sides=sides).map(lambda tensor: tensor.float())
    masks = {name: tensor != 0 for name, tensor in case.tensors().items() if name.endswith("gates")}
    ones = replace(case, **{name: mask.float() for name, mask in masks.items()})
    found = []
    for each in (replace(case, **masks), ones):
        leaves = [each.x.clone().requires_grad_(), each.weight.clone().requires_grad_()]
        y = replace(each, x=leaves[0], weight=leaves[1]).run(activation="tanh", backend=backend)
        found.append((y, *torch.autograd.grad(y.square().sum(), leaves)))
    assert all(torch.equal(*pair) for pair in zip(*found, strict=True))


@pytest.mark.parametrize("density", [0.0, 1.0])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_agrees_with_the_definition_all_closed_and_all_open(density, activation):
    assert_defined(random_case((3, 2, 2, 4), density=density), activation)


def test_closed_inputs_leave_the_activated_bias():
    case = random_case((2, 3, 2, 2), density=0.0, sides="in")
    assert case.bias is not None
    # To rounding: where a row ends in a vector register, and with it the formula of tanh, is up to the processor.
    torch.testing.assert_close(case.run(activation="tanh"), torch.tanh(case.bias).expand(3, 4), rtol=1e-14, atol=0.0)


def test_closed_outputs_are_zero_in_spite_of_the_bias():
    case = random_case((2, 3, 2, 2), density=0.0, sides="out")
    assert torch.equal(case.run(), torch.zeros(3, 4, dtype=torch.float64))


@pytest.mark.parametrize("sides", SIDES)
@pytest.mark.parametrize("gate_grad", GATE_GRADS)
def test_a_batch_of_no_rows_gives_no_rows_and_zero_gradients(sides, gate_grad):
    case = random_case((3, 2, 5, 4), rows=0, sides=sides).map(Tensor.requires_grad_)
    y = case.run(gate_grad=gate_grad)
    assert y.shape == (0, 12)
    tensors = list(case.tensors().values())
    for tensor, gradient in zip(tensors, torch.autograd.grad(y.sum(), tensors), strict=True):
        assert torch.equal(gradient, torch.zeros_like(tensor))


@settings(max_examples=150)
@given(
    shape=st.tuples(*[st.integers(1, 4)] * 4),
    rows=st.integers(0, 5),
    density=st.sampled_from([0.0, 0.1, 0.3, 0.5, 0.9, 1.0]),
    kind=st.sampled_from(["binary", "real"]),
    sides=st.sampled_from(SIDES),
    bias=st.booleans(),
    activation=st.sampled_from(ACTIVATIONS),
    gate_grad=st.sampled_from(GATE_GRADS),
    seed=st.integers(0, 2**32 - 1),
)
def test_agrees_with_the_definition_everywhere(shape, rows, density, kind, sides, bias, activation, gate_grad, seed):
    case = random_case(shape, rows=rows, density=density, kind=kind, sides=sides, bias=bias, seed=seed)
    assert_defined(case, activation, gate_grad=gate_grad)


def dense_weight(weight: Tensor) -> Tensor:
    """``[out, in]``, as torch's linear takes it, filled one entry at a time."""
    n_out, n_in, in_size, out_size = weight.shape
    dense = weight.new_empty(n_out * out_size, n_in * in_size)
    for out in range(n_out):
        for block in range(n_in):
            for feature in range(in_size):
                for unit in range(out_size):
                    dense[out * out_size + unit, block * in_size + feature] = weight[out, block, feature, unit]
    return dense


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("sides", ["none", "both"])
def test_without_closed_gates_it_is_the_dense_linear_map(dtype, sides):
    case = random_case((3, 4, 2, 5), rows=6, density=1.0, kind="binary", sides=sides)
    case = case.map(lambda tensor: tensor.to(dtype))
    y = case.run()
    assert y.dtype == dtype
    torch.testing.assert_close(y, linear(case.x, dense_weight(case.weight), case.bias))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_lower_precision_agrees_within_its_rounding(dtype):
    case = random_case((3, 2, 5, 4))
    y = case.map(lambda tensor: tensor.to(dtype)).run()
    assert y.dtype == dtype
    torch.testing.assert_close(y.double(), loop(**vars(case)), rtol=0, atol=50 * torch.finfo(dtype).eps)


def test_strided_arguments_give_the_same_result():
    case = random_case((3, 2, 5, 4))
    strided = case.map(lambda tensor: torch.stack([tensor, tensor + 1], dim=-1)[..., 0])
    assert not any(tensor.is_contiguous() for tensor in strided.tensors().values())
    torch.testing.assert_close(strided.run(), case.run())


def test_equal_calls_are_bitwise_equal():
    case = random_case((4, 4, 8, 8), rows=16)
    assert torch.equal(case.run(activation="tanh"), case.run(activation="tanh"))


def test_arguments_are_not_changed():
    case = random_case((3, 2, 5, 4))
    before = case.map(torch.clone)
    case.run(activation="relu", gate_grad="exact")
    assert all(torch.equal(tensor, vars(before)[name]) for name, tensor in case.tensors().items())


def test_auto_is_one_of_the_named_back_ends():
    case = random_case((3, 2, 5, 4))
    assert any(torch.equal(case.run(backend="auto"), case.run(backend=name)) for name in BACKENDS)
