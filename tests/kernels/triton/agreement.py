"""What the Triton back end computes, beside what the reference makes of the same arguments in float64."""

from dataclasses import replace
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from kernels import triton as backend
from kernels.backend import Call, Needs
from kernels.reference import Activation, GateGrad, block_linear
from tests.kernels.cases import Case

NAMES = ("x", "weight", "bias", "in_gates", "out_gates")
ALL = Needs(x=True, weight=True, bias=True, in_gates=True, out_gates=True)


def call_of(weight: Tensor, *, in_gated: bool = False, gate_grad: GateGrad = "open") -> Call:
    return Call(weight.device.type, weight.dtype, tuple(weight.shape), in_gated, gate_grad)


def unsaturated(case: Case) -> Case:
    """The case with sums of order 1, however wide the input is: gradients through a saturated tanh are lost digits."""
    return replace(case, weight=case.weight / case.x.shape[1] ** 0.5)


def upstream_of(case: Case) -> Tensor:
    n_out, _, _, out_size = case.weight.shape
    size = (case.x.shape[0], n_out * out_size)
    values = torch.randn(size, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return values.to(case.weight.dtype).to(case.weight.device)


def computed(case: Case, activation: str, upstream: Tensor | None = None, needs: Needs = ALL) -> dict[str, Tensor]:
    """The result, under "y", and the gradients that are needed, by the name of their tensor."""
    if reason := backend.unsupported(call_of(case.weight, in_gated=case.in_gates is not None)):
        pytest.fail(reason)
    kind = cast(Activation, activation)
    upstream = upstream_of(case) if upstream is None else upstream
    arguments = (case.x, case.weight, case.bias, case.in_gates, case.out_gates)
    hidden = None
    if backend.saves_hidden(case.weight.dtype, kind, out_gated=case.out_gates is not None):
        hidden = torch.empty_like(upstream)
    y = backend.forward(arguments, kind, hidden)
    gradients = backend.backward(upstream, arguments, y if hidden is None else hidden, kind, "open", needs)
    named = zip(NAMES, gradients, strict=True)
    return {"y": y, **{name: gradient for name, gradient in named if gradient is not None}}


def expected(case: Case, activation: str, dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
    upstream = upstream_of(case).to(dtype)
    case = case.map(lambda tensor: tensor.to(dtype).requires_grad_())
    y = block_linear(**vars(case), activation=cast(Activation, activation), gate_grad="open")
    found = torch.autograd.grad(y, list(case.tensors().values()), upstream)
    return {"y": y.detach(), **dict(zip(case.tensors(), found, strict=True))}


def assert_agrees(case: Case, activation: str = "identity", *, tolerance: float = 1e-5) -> None:
    """``tolerance`` is relative to the largest entry of each tensor."""
    found, right = computed(case, activation), expected(case, activation)
    assert found.keys() == right.keys()
    for name, tensor in found.items():
        assert tensor.dtype == case.weight.dtype
        assert tensor.shape == right[name].shape
        assert _largest(tensor.double() - right[name]) <= tolerance * _largest(right[name]), name


def assert_rounds_as_pytorch(case: Case, activation: str, *, times: float = 1.5) -> None:
    """Errors in 16 bits, root mean square, are at most so many times those of PyTorch in these bits, and one rounding.

    A sum of rounded products is off by more than one rounding whoever makes it.
    """
    found, right = computed(case, activation), expected(case, activation)
    plain = expected(case, activation, case.weight.dtype)
    assert found.keys() == right.keys()
    for name, tensor in found.items():
        assert tensor.dtype == case.weight.dtype
        one_rounding = torch.finfo(tensor.dtype).eps / 4 * _root_mean_square(right[name])
        allowed = times * (_root_mean_square(plain[name] - right[name]) + one_rounding)
        assert _root_mean_square(tensor - right[name]) <= allowed, name


def _largest(tensor: Tensor) -> float:
    return tensor.abs().max().item() if tensor.numel() else 0.0


def _root_mean_square(tensor: Tensor) -> float:
    return tensor.double().square().mean().sqrt().item() if tensor.numel() else 0.0


def assert_same_bits(first: dict[str, Tensor], second: dict[str, Tensor]) -> None:
    assert first.keys() == second.keys()
    assert all(torch.equal(tensor, second[name]) for name, tensor in first.items())


def poisoned(case: Case, value: float) -> tuple[Case, Tensor]:
    """The case and an upstream gradient with ``value`` behind every closed gate, and in what no row reads."""
    assert case.in_gates is not None
    assert case.out_gates is not None
    _, _, in_size, out_size = case.weight.shape
    in_closed, out_closed = case.in_gates == 0, case.out_gates == 0
    unread = (~out_closed).float().T @ (~in_closed).float() == 0
    changes: dict[str, Any] = {
        "x": case.x.masked_fill(in_closed.repeat_interleave(in_size, 1), value),
        "weight": case.weight.masked_fill(unread[:, :, None, None], value),
        "in_gates": case.in_gates,
        "out_gates": case.out_gates,
        "bias": None
        if case.bias is None
        else case.bias.masked_fill(out_closed.all(0).repeat_interleave(out_size), value),
    }
    return Case(**changes), upstream_of(case).masked_fill(out_closed.repeat_interleave(out_size, 1), value)
