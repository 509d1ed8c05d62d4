from typing import Any

import pytest
import torch
from torch import Tensor

from kernels import block_linear
from tests.kernels.cases import random_case

SHAPE = (3, 2, 5, 4)


def call(**changes: Any) -> Tensor:
    return block_linear(**{**random_case(SHAPE, rows=6).tensors(), **changes})


@pytest.mark.parametrize(
    ("argument", "shape", "expected"),
    [
        ("x", (6, 9), "[6, 10]"),
        ("x", (6, 2, 5), "[B, n_in * in_size]"),
        ("x", (10,), "[B, n_in * in_size]"),
        ("weight", (3, 2, 5), "[n_out, n_in, in_size, out_size]"),
        ("bias", (4,), "[12]"),
        ("bias", (1, 12), "[12]"),
        ("in_gates", (6, 3), "[6, 2]"),
        ("in_gates", (2,), "[6, 2]"),
        ("in_gates", (1, 2), "[6, 2]"),
        ("out_gates", (6, 2), "[6, 3]"),
        ("out_gates", (6, 12), "[6, 3]"),
        ("out_gates", (1, 3), "[6, 3]"),
    ],
)
def test_a_wrong_shape_is_named_beside_the_right_one(argument, shape, expected):
    with pytest.raises(ValueError, match=f"^{argument} ") as caught:
        call(**{argument: torch.zeros(shape, dtype=torch.float64)})
    assert str(list(shape)) in str(caught.value)
    assert f"expected {expected}" in str(caught.value)


@pytest.mark.parametrize("argument", ["x", "bias", "in_gates", "out_gates"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.int64])
def test_a_dtype_unlike_the_weight_is_named(argument, dtype):
    wrong = getattr(random_case(SHAPE, rows=6), argument).to(dtype)
    with pytest.raises(ValueError, match=rf"^{argument} is {dtype} .*expected torch\.float64"):
        call(**{argument: wrong})


def test_a_device_unlike_the_weight_is_named():
    with pytest.raises(ValueError, match=r"^bias is torch\.float64 on meta, expected torch\.float64 on cpu"):
        call(bias=torch.zeros(12, dtype=torch.float64, device="meta"))


def test_an_integer_weight_is_refused():
    with pytest.raises(ValueError, match=r"^weight has dtype torch\.int64, expected a floating point dtype"):
        call(weight=torch.zeros(SHAPE, dtype=torch.int64))


@pytest.mark.parametrize(
    ("option", "choices"),
    [
        ("activation", ("identity", "relu", "tanh")),
        ("gate_grad", ("open", "exact")),
        ("backend", ("auto", "reference")),
    ],
)
def test_an_unknown_option_is_named_with_the_choices(option, choices):
    with pytest.raises(ValueError, match=f"unknown {option} 'sigmoid'") as caught:
        call(**{option: "sigmoid"})
    assert all(choice in str(caught.value) for choice in choices)
