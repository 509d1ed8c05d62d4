"""The compiled back ends as differentiable operations: directly in eager mode, as custom operators when traced."""

import math
from typing import Any, cast

import torch
from torch import Tensor
from torch.utils.flop_counter import register_flop_formula

from kernels import reference
from kernels.arguments import Operands, check, fit
from kernels.backend import Gradients, Needs, load
from kernels.choice import choose
from kernels.ordinary import followed, in_forward_mode, is_batch, unusual
from kernels.reference import Activation, GateGrad


def differentiable(
    name: str, operands: Operands, activation: Activation, gate_grad: GateGrad, *, as_operator: bool
) -> Tensor:
    """Run a compiled back end on ``x, weight, bias, in_gates, out_gates``, so that autograd can go through it.

    A custom operator is for code that is traced or followed. Otherwise a back end is launched without the dispatcher:
    on the CPU an operator costs 20-50 microseconds per call.
    """
    differentiated = torch.is_grad_enabled() and _any_requires_grad(*operands)
    if as_operator:
        return cast(Tensor, block_linear_operator(*operands, name, activation, gate_grad, differentiated)[0])
    if differentiated:
        y = _BlockLinear.apply(*operands, name, activation, gate_grad)  # type: ignore[no-untyped-call]
        return cast(Tensor, y)
    return load(name).forward(operands, activation)


def _any_requires_grad(*tensors: Tensor | None) -> bool:
    for tensor in tensors:  # noqa: SIM110  # any() of a generator takes a microsecond more
        if tensor is not None and tensor.requires_grad:
            return True
    return False


def _saves_hidden(name: str, operands: Operands, activation: Activation) -> bool:
    _, weight, _, _, out_gates = operands
    return load(name).saves_hidden(weight.dtype, activation, out_gated=out_gates is not None)


def _saved(name: str, operands: Operands, activation: Activation) -> Tensor | None:
    """Return where the forward pass writes the activation for the backward pass, or None if that takes the result."""
    if not _saves_hidden(name, operands, activation):
        return None
    x, weight, *_ = operands
    return x.new_empty(x.shape[0], weight.shape[0] * weight.shape[3])


class _BlockLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Tensor:
        *tensors, name, activation, gate_grad = inputs
        operands = cast(Operands, tuple(tensors))
        hidden = _saved(name, operands, activation)
        y = load(name).forward(operands, activation, hidden)
        _keep(ctx, operands, y if hidden is None else hidden, name, activation, gate_grad)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        name, activation, gate_grad = ctx.options
        *saved, y = ctx.saved_tensors
        if grad.layout is not torch.strided:
            grad = grad.to_dense()
        operands, needs = cast(Operands, tuple(saved)), Needs(*ctx.needs_input_grad[:5])
        if (
            torch.is_grad_enabled()
            or followed()
            or not _is_ordinary(grad, operands, y, ctx.dtype, activation, gate_grad)
        ):
            gradients = _by_the_reference(grad, operands, activation, gate_grad, needs)
        else:
            gradients = load(name).backward(grad, operands, y, activation, gate_grad, needs)
        return (*gradients, None, None, None)


def _keep(ctx: Any, operands: Operands, y: Tensor, name: str, activation: Activation, gate_grad: GateGrad) -> None:
    """Keep what the backward pass takes; ``y`` is the result, or the activation where a back end saves that."""
    ctx.save_for_backward(*operands, y)
    ctx.options = name, activation, gate_grad
    ctx.dtype = y.dtype


def _is_ordinary(
    grad: Tensor, operands: Operands, y: Tensor, dtype: torch.dtype, activation: Activation, gate_grad: GateGrad
) -> bool:
    """Whether a backward pass can be compiled code's: hooks may have put anything in the place of its tensors."""
    return (
        unusual(grad, *operands, y) is None
        and not is_batch(grad)
        and grad.dtype is dtype
        and y.dtype is dtype
        and operands[1].dtype is dtype
        and grad.shape == y.shape
        and fit(operands, activation, gate_grad)
    )


def _by_the_reference(
    grad: Tensor, operands: Operands, activation: Activation, gate_grad: GateGrad, needs: Needs
) -> Gradients:
    """Return the gradients that are needed as PyTorch computes them, differentiable if gradients of them are wanted."""
    twice = torch.is_grad_enabled()
    with torch.enable_grad():
        # Views, so that a tensor that is two operands at once has a gradient for each.
        views = [None if tensor is None else tensor.view_as(tensor) for tensor in operands]
        y = reference.block_linear(*cast(Operands, tuple(views)), activation, gate_grad)
        wanted = {place: view for place, view in enumerate(views) if needs[place] and view is not None}
        found = torch.autograd.grad(
            y, list(wanted.values()), grad.to(y.dtype), create_graph=twice, materialize_grads=True
        )
    by_place = dict(zip(wanted, found, strict=True))
    return Gradients(*(by_place.get(place) for place in range(len(operands))))


def _check(operands: Operands, backend: str, activation: str, gate_grad: str) -> None:
    """Refuse what an operator's kernel cannot run: compiled and exported programs may be given anything.

    Raises:
        ValueError: the operands do not fit.
        BackendError: the back end cannot run them.
        NotImplementedError: derivatives are computed in forward mode; an operator is handed no tangents.
    """
    check(operands, activation, gate_grad)
    _, weight, _, in_gates, _ = operands
    device, kind = weight.device.type, cast(GateGrad, gate_grad)
    choose(backend, device, weight.dtype, weight.shape, in_gates is not None, kind)
    if in_forward_mode():
        raise NotImplementedError("a compiled or exported block_linear has no derivatives in forward mode")


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
    operands, kind = (x, weight, bias, in_gates, out_gates), cast(Activation, activation)
    _check(operands, backend, activation, gate_grad)
    hidden = _saved(backend, operands, kind) if differentiated else None
    y = load(backend).forward(operands, kind, hidden)
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
    operands, kinds = (x, weight, bias, in_gates, out_gates), (cast(Activation, activation), cast(GateGrad, gate_grad))
    _check(operands, backend, activation, gate_grad)
    for name, tensor in {"gradient": grad, "result": y}.items():
        if tensor.shape != (x.shape[0], weight.shape[0] * weight.shape[3]) or tensor.dtype is not weight.dtype:
            raise ValueError(
                f"the {name} is {tensor.dtype} {list(tensor.shape)} and does not fit weight {weight.dtype}"
            )
    gradients = load(backend).backward(grad, operands, y, *kinds, Needs(*needs))
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
    operands = (x, weight, bias, in_gates, out_gates)
    return [
        tensor.new_empty(tensor.shape)
        for tensor, needed in zip(operands, needs, strict=True)
        if needed and tensor is not None
    ]


def _save(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
    *operands, backend, activation, gate_grad, _ = inputs
    y, hidden = output
    saves_hidden = _saves_hidden(backend, cast(Operands, tuple(operands)), activation)
    kept = hidden if saves_hidden else y
    _keep(ctx, cast(Operands, tuple(operands)), kept, backend, activation, gate_grad)
    ctx.mark_non_differentiable(hidden)


def _differentiate(ctx: Any, grad: Tensor, _: Tensor | None) -> tuple[Tensor | None, ...]:
    *operands, y = ctx.saved_tensors
    needs = [needed and tensor is not None for tensor, needed in zip(operands, ctx.needs_input_grad[:5], strict=True)]
    # Not while it is traced.
    if is_batch(grad) or (torch.is_grad_enabled() and not followed() and unusual(grad, *operands, y) is None):
        _, activation, gate_grad = ctx.options
        gradients = _by_the_reference(grad, cast(Operands, tuple(operands)), activation, gate_grad, Needs(*needs))
        return (*gradients, None, None, None, None)
    found = iter(_backward_operator(grad, *operands, y, *ctx.options, needs))
    gradients = Gradients(*(next(found) if needed else None for needed in needs))
    return (*gradients, None, None, None, None)


block_linear_operator.register_autograd(_differentiate, setup_context=_save)


# Dense products are counted, as PyTorch counts masked ones: which blocks are open is not known from shapes.
@register_flop_formula(torch.ops.gating_studies.block_linear)
def _flops(x: torch.Size, weight: torch.Size, *_: Any, **__: Any) -> int:
    """Operations of the forward pass, two for each multiply-add."""
    return 2 * x[0] * math.prod(weight)


@register_flop_formula(torch.ops.gating_studies.block_linear_backward)
def _backward_flops(grad: torch.Size, x: torch.Size, weight: torch.Size, *options: Any, **_: Any) -> int:
    """Operations of the backward pass: a product for the input or its gates, and one for the weight."""
    needs = Needs(*options[-1])
    return ((needs.x or needs.in_gates) + needs.weight) * _flops(x, weight)
