from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import grad, gradcheck, gradgradcheck

from tests.kernels.cases import Case, open_case, random_case
from tests.kernels.loop import loop

ACTIVATIONS = ("identity", "relu", "tanh")
SHAPE = (3, 2, 2, 4)


def gradients_are_true(case: Case, names: tuple[str, ...], **options: Any) -> bool:
    names = tuple(name for name in names if vars(case)[name] is not None)

    def function(*tensors: Tensor) -> Tensor:
        return replace(case, **dict(zip(names, tensors, strict=True))).run(**options)

    return gradcheck(function, [vars(case)[name].requires_grad_() for name in names])


ALL = ("x", "weight", "bias", "in_gates", "out_gates")


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("sides", ["none", "in", "out", "both"])
@pytest.mark.parametrize("kind", ["binary", "real"])
def test_exact_gradients_are_true_with_closed_gates(activation, sides, kind):
    case = random_case(SHAPE, kind=kind, sides=sides, seed=3)
    assert gradients_are_true(case, ALL, activation=activation, gate_grad="exact")


@pytest.mark.parametrize("density", [0.0, 1.0])
def test_exact_gradients_are_true_all_closed_and_all_open(density):
    assert gradients_are_true(random_case(SHAPE, density=density), ALL, activation="tanh", gate_grad="exact")


def test_exact_gradients_are_true_without_a_bias():
    assert gradients_are_true(random_case(SHAPE, bias=False), ALL, gate_grad="exact")


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("sides", ["in", "out", "both"])
def test_open_gradients_are_true_where_all_gates_are_open(activation, sides):
    case = random_case(SHAPE, density=1.0, sides=sides)
    assert gradients_are_true(case, ALL, activation=activation, gate_grad="open")


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_open_gradients_of_x_weight_and_bias_are_true_with_closed_gates(activation):
    assert gradients_are_true(random_case(SHAPE, seed=3), ("x", "weight", "bias"), activation=activation)


# PyTorch's own forward mode uses what PyTorch has deprecated.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("activation", ["identity", "tanh"])
@pytest.mark.parametrize("sides", ["none", "in", "out", "both"])
def test_gradients_of_gradients_and_forward_mode_are_true(activation, sides):
    case = random_case(SHAPE, rows=2, sides=sides, seed=3)

    def function(*tensors: Tensor) -> Tensor:
        return replace(case, x=tensors[0], weight=tensors[1], bias=tensors[2]).run(activation=activation)

    assert case.bias is not None
    leaves = [tensor.requires_grad_() for tensor in (case.x, case.weight, case.bias)]
    assert gradcheck(function, leaves, check_forward_ad=True)
    assert gradgradcheck(function, leaves)


def gradients(case: Case, upstream: Tensor | None = None, **options: Any) -> dict[str, Tensor]:
    case = case.map(lambda tensor: tensor.clone().requires_grad_())
    y = case.run(**options)
    found = grad(y, list(case.tensors().values()), torch.ones_like(y) if upstream is None else upstream)
    return dict(zip(case.tensors(), found, strict=True))


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("kind", ["binary", "real"])
def test_open_gives_closed_gates_no_gradient_and_the_rest_their_true_one(activation, kind):
    case = random_case(SHAPE, rows=5, kind=kind)
    upstream = torch.randn(5, 12, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    exact = gradients(case, upstream, activation=activation, gate_grad="exact")
    opened = gradients(case, upstream, activation=activation, gate_grad="open")
    for name in ("in_gates", "out_gates"):
        closed = vars(case)[name] == 0
        assert exact[name][closed].abs().max() > 0
        torch.testing.assert_close(opened[name], exact[name].masked_fill(closed, 0.0))
    for name in ("x", "weight", "bias"):
        torch.testing.assert_close(opened[name], exact[name])


@pytest.mark.parametrize("side", ["in_gates", "out_gates"])
@pytest.mark.parametrize("activation", ["identity", "tanh"])
def test_the_exact_gradient_of_a_closed_gate_is_the_finite_difference_of_the_definition(side, activation):
    case, *_ = open_case(SHAPE, rows=1)
    vars(case)[side][0, 1] = 0.0

    def total(value: float) -> Tensor:
        moved = vars(case)[side].clone()
        moved[0, 1] = value
        return loop(**{**vars(case), side: moved}, activation=activation).sum()

    difference = (total(1e-5) - total(-1e-5)) / 2e-5
    assert difference.abs() > 1e-2
    torch.testing.assert_close(gradients(case, activation=activation, gate_grad="exact")[side][0, 1], difference)


@pytest.mark.parametrize("gate_grad", ["open", "exact"])
def test_closed_blocks_send_no_gradient_to_x_weights_or_biases(gate_grad):
    case, in_gates, out_gates = open_case((2, 2, 2, 2), rows=2, kind="binary")
    case = replace(case, x=torch.ones_like(case.x), weight=torch.ones_like(case.weight))
    in_gates[:, 1] = 0.0
    out_gates[:, 0] = 0.0
    found = gradients(case, gate_grad=gate_grad)
    assert found["x"].tolist() == [[2.0, 2.0, 0.0, 0.0]] * 2
    assert found["bias"].tolist() == [0.0, 0.0, 2.0, 2.0]
    of_pairs = found["weight"].amin(dim=(2, 3)), found["weight"].amax(dim=(2, 3))
    assert [pairs.tolist() for pairs in of_pairs] == [[[0.0, 0.0], [2.0, 0.0]]] * 2
