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
    differentiated = torch.is_grad_enabled() and _any_requires_grad(*arguments)
    if torch.compiler.is_compiling():
        return cast(Tensor, block_linear_operator(*arguments, name, activation, gate_grad, differentiated)[0])
    if differentiated:
        y = _BlockLinear.apply(*arguments, name, activation, gate_grad)  # type: ignore[no-untyped-call]
        return cast(Tensor, y)
    return load(name).forward(*arguments, activation)


def _any_requires_grad(*tensors: Tensor | None) -> bool:
    for tensor in tensors:  # noqa: SIM110  # any() of a generator takes a microsecond more
        if tensor is not None and tensor.requires_grad:
            return True
    return False


def _saves_hidden(name: str, arguments: Arguments, activation: Activation) -> bool:
    _, weight, _, _, out_gates = arguments
    return load(name).saves_hidden(weight.dtype, activation, out_gated=out_gates is not None)


def _saved(name: str, arguments: Arguments, activation: Activation) -> Tensor | None:
    """Return where the forward pass writes the activation for the backward pass, or None if that takes the result."""
    if not _saves_hidden(name, arguments, activation):
        return None
    x, weight, *_ = arguments
    return x.new_empty(x.shape[0], weight.shape[0] * weight.shape[3])


class _BlockLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        *tensors, name, activation, gate_grad = inputs
        arguments = cast(Arguments, tuple(tensors))
        hidden = _saved(name, arguments, activation)
        y = load(name).forward(*arguments, activation, hidden)
        ctx.save_for_backward(*arguments, y if hidden is None else hidden)
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
    differentiated: bool,
) -> tuple[Tensor, Tensor]:
    """The forward pass of a compiled back end; differentiable if ``differentiated``.

    Returns the result, and what else its backward pass needs, empty if nothing.
    """
    arguments, kind = (x, weight, bias, in_gates, out_gates), cast(Activation, activation)
    hidden = _saved(backend, arguments, kind) if differentiated else None
    y = load(backend).forward(*arguments, kind, hidden)
    return y, y.new_empty(0) if hidden is None else hidden


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
    differentiated: bool,
) -> tuple[Tensor, Tensor]:
    y = x.new_empty(x.shape[0], weight.shape[0] * weight.shape[3])
    hidden = _saved(backend, (x, weight, bias, in_gates, out_gates), cast(Activation, activation))
    return y, hidden if differentiated and hidden is not None else x.new_empty(0)


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


def _save(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    *arguments, backend, activation, gate_grad, _ = inputs
    y, hidden = output
    saves_hidden = _saves_hidden(backend, cast(Arguments, tuple(arguments)), activation)
    ctx.save_for_backward(*arguments, hidden if saves_hidden else y)
    ctx.options = backend, activation, gate_grad
    ctx.mark_non_differentiable(hidden)


def _differentiate(ctx: Any, grad: Tensor, _: Tensor | None) -> tuple[Tensor | None, ...]:
    *arguments, y = ctx.saved_tensors
    needs = [needed and tensor is not None for tensor, needed in zip(arguments, ctx.needs_input_grad[:5], strict=True)]
    found = iter(_backward_operator(grad, *arguments, y, *ctx.options, needs))
    gradients = Gradients(*(next(found) if needed else None for needed in needs))
    return (*gradients, None, None, None, None)


block_linear_operator.register_autograd(_differentiate, setup_context=_save)
