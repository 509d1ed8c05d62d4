"""Whether the arguments of the operation fit together, and what is wrong where they do not."""

from typing import get_args

import torch
from torch import Tensor

from kernels.reference import Activation, GateGrad

ACTIVATIONS: tuple[str, ...] = get_args(Activation)
GATE_GRADS: tuple[str, ...] = get_args(GateGrad)
# What gates may be besides of the weight's dtype.
_MASK = torch.bool
_DENSE = torch.strided

# The tensors of a call: x, weight, bias, in_gates and out_gates, as block_linear takes them. A plain tuple, because a
# named one takes half a microsecond to make.
Operands = tuple[Tensor, Tensor, Tensor | None, Tensor | None, Tensor | None]


def check(
    operands: Operands,
    activation: str,
    gate_grad: str,
) -> None:
    """Refuse arguments of :func:`kernels.block_linear` that do not fit.

    Raises:
        ValueError: a shape, dtype, device, layout or option does not fit; the message names it and what would.
    """
    if not fit(operands, activation, gate_grad):
        raise ValueError(explain(operands, activation, gate_grad))


def fit(
    operands: Operands,
    activation: str,
    gate_grad: str,
) -> bool:
    """Whether the arguments fit together; as little work as can be, since a batch of one takes a few microseconds."""
    x, weight, bias, in_gates, out_gates = operands
    try:
        n_out, n_in, in_size, out_size = weight.shape
        rows, features = x.shape
    except (ValueError, RuntimeError):
        # Other numbers of dimensions, or nested tensors, which have no shape.
        return False
    dtype = weight.dtype
    # A device of its own costs as much to look up as all of a tensor's other properties.
    device = None if weight.is_cpu else weight.device
    return (
        activation in ACTIVATIONS
        and gate_grad in GATE_GRADS
        and features == n_in * in_size
        and n_out * in_size * out_size * n_in != 0
        and dtype.is_floating_point
        and weight.layout is _DENSE
        and x.dtype is dtype
        and x.layout is _DENSE
        and (x.is_cpu if device is None else x.device == device)
        and (bias is None or _is_like(bias, (n_out * out_size,), dtype, device))
        and (in_gates is None or _are_gates(in_gates, (rows, n_in), dtype, device))
        and (out_gates is None or _are_gates(out_gates, (rows, n_out), dtype, device))
    )


def _is_like(tensor: Tensor, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device | None) -> bool:
    return (
        tensor.shape == shape
        and tensor.dtype is dtype
        and tensor.layout is _DENSE
        and (tensor.is_cpu if device is None else tensor.device == device)
    )


def _are_gates(tensor: Tensor, shape: tuple[int, int], dtype: torch.dtype, device: torch.device | None) -> bool:
    return (
        tensor.shape == shape
        and (tensor.dtype is dtype or tensor.dtype is _MASK)
        and tensor.layout is _DENSE
        and (tensor.is_cpu if device is None else tensor.device == device)
    )


def explain(
    operands: Operands,
    activation: str,
    gate_grad: str,
) -> str:
    """Return what is wrong with arguments that do not fit, and what would be right."""
    if activation not in ACTIVATIONS:
        return f"unknown activation {activation!r}: choose one of {', '.join(ACTIVATIONS)}"
    if gate_grad not in GATE_GRADS:
        return f"unknown gate_grad {gate_grad!r}: choose one of {', '.join(GATE_GRADS)}"
    x, weight, bias, in_gates, out_gates = operands
    for name, tensor in zip(("x", "weight", "bias", "in_gates", "out_gates"), operands, strict=True):
        if tensor is not None and (tensor.is_nested or tensor.layout is not _DENSE):
            return f"{name} is {'nested' if tensor.is_nested else tensor.layout}, expected a dense tensor"
    if weight.dim() != 4:
        return f"weight has shape {list(weight.shape)}, expected [n_out, n_in, in_size, out_size]"
    if x.dim() != 2:
        return f"x has shape {list(x.shape)}, expected [B, n_in * in_size]"
    if not weight.dtype.is_floating_point:
        return f"weight has dtype {weight.dtype}, expected a floating point dtype"
    n_out, n_in, in_size, out_size = weight.shape
    if weight.numel() == 0:
        return f"weight has shape {list(weight.shape)}, expected at least one block and one unit on each side"
    expected = {
        "x": (x, (x.shape[0], n_in * in_size)),
        "bias": (bias, (n_out * out_size,)),
        "in_gates": (in_gates, (x.shape[0], n_in)),
        "out_gates": (out_gates, (x.shape[0], n_out)),
    }
    for name, (tensor, shape) in expected.items():
        if tensor is not None and tensor.shape != shape:
            return f"{name} has shape {list(tensor.shape)}, expected {list(shape)} for weight {list(weight.shape)}"
    name, tensor = next(
        (name, tensor)
        for name, (tensor, _) in expected.items()
        if tensor is not None
        and (
            tensor.device != weight.device
            or (tensor.dtype is not weight.dtype and not (tensor.dtype is _MASK and name in ("in_gates", "out_gates")))
        )
    )
    return f"{name} is {tensor.dtype} on {tensor.device}, expected {weight.dtype} on {weight.device} like weight"
