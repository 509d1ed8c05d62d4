"""The compiled back ends as differentiable operations: directly in eager mode, as custom operators when traced."""

from typing import Any, cast

import torch
from torch import Tensor

from kernels.backend import Gradients, Needs, load
from kernels.reference import Activation, GateGrad

Arguments = tuple[Tensor, Tensor, Tensor | None, Tensor | None, Tensor | None]


def differentiable(name: str, arguments: Arguments, activation: Activation, gate_grad: GateGrad) -> Tensor:
    """Run a compiled back end on ``x, weight, bias, in_gates, out_gates``, so that autograd can go through it.

    In eager mode it is launched without the dispatcher: on the CPU a custom operator costs 20-50 microseconds per call.
    """
    if torch.compiler.is_compiling():
        return cast(Tensor, block_linear_operator(*arguments, name, activation, gate_grad))
    if torch.is_grad_enabled() and _any_requires_grad(*arguments):
        y = _BlockLinear.apply(*arguments, name, activation, gate_grad)  # type: ignore[no-untyped-call]
        return cast(Tensor, y)
    return load(name).forward(*arguments, activation)


def _any_requires_grad(*tensors: Tensor | None) -> bool:
    for tensor in tensors:  # noqa: SIM110  # any() of a generator takes a microsecond more
        if tensor is not None and tensor.requires_grad:
            return True
    return False


class _BlockLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        *arguments, name, activation, gate_grad = inputs
        y = load(name).forward(*cast(Arguments, tuple(arguments)), activation)
        ctx.save_for_backward(*arguments, y)
        ctx.options = name, activation, gate_grad
        return y

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        name, activation, gate_grad = ctx.options
        *arguments, y = ctx.saved_tensors
        needs = Needs(*ctx.needs_input_grad[:5])
        gradients = load(name).backward(grad, *cast(Arguments, tuple(arguments)), y, activation, gate_grad, needs)
        return (*gradients, None, None, None)


@torch.library.custom_op("gating_studies::block_linear", mutates_args=())
def block_linear_operator(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    in_gates: Tensor | None,
    out_gates: Tensor | None,
    backend: str,
    activation: str,
    gate_grad: str,
) -> Tensor:
    """The forward pass of a compiled back end; differentiable."""
    return load(backend).forward(x, weight, bias, in_gates, out_gates, cast(Activation, activation))


@torch.library.custom_op("gating_studies::block_linear_backward", mutates_args=())
def _backward_operator(
    grad: Tensor,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    in_gates: Tensor | None,
    out_gates: Tensor | None,
    y: Tensor,
    backend: str,
    activation: str,
    gate_grad: str,
    needs: list[bool],
) -> list[Tensor]:
    """The gradients of x, weight, bias, in_gates and out_gates that are needed, in this order, without gaps."""
    gradients = load(backend).backward(
        grad,
        x,
        weight,
        bias,
        in_gates,
        out_gates,
        y,
        cast(Activation, activation),
        cast(GateGrad, gate_grad),
        Needs(*needs),
    )
    return [gradient for gradient in gradients if gradient is not None]


@block_linear_operator.register_fake
def _(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    in_gates: Tensor | None,
    out_gates: Tensor | None,
    backend: str,
    activation: str,
    gate_grad: str,
) -> Tensor:
    return x.new_empty(x.shape[0], weight.shape[0] * weight.shape[3])


@_backward_operator.register_fake
def _(
    grad: Tensor,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    in_gates: Tensor | None,
    out_gates: Tensor | None,
    y: Tensor,
    backend: str,
    activation: str,
    gate_grad: str,
    needs: list[bool],
) -> list[Tensor]:
    arguments = (x, weight, bias, in_gates, out_gates)
    return [
        tensor.new_empty(tensor.shape)
        for tensor, needed in zip(arguments, needs, strict=True)
        if needed and tensor is not None
    ]


def _save(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    *arguments, backend, activation, gate_grad = inputs
    ctx.save_for_backward(*arguments, output)
    ctx.options = backend, activation, gate_grad


def _differentiate(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
    *arguments, y = ctx.saved_tensors
    needs = [needed and tensor is not None for tensor, needed in zip(arguments, ctx.needs_input_grad[:5], strict=True)]
    found = iter(_backward_operator(grad, *arguments, y, *ctx.options, needs))
    gradients = Gradients(*(next(found) if needed else None for needed in needs))
    return (*gradients, None, None, None)


block_linear_operator.register_autograd(_differentiate, setup_context=_save)
