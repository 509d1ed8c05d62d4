"""The public entry: checks the arguments once, then hands over to a back end."""

from typing import get_args

import torch
from torch import Tensor

from kernels import reference
from kernels.autograd import differentiable
from kernels.choice import checked, choose
from kernels.reference import Activation, GateGrad

ACTIVATIONS: tuple[str, ...] = get_args(Activation)
GATE_GRADS: tuple[str, ...] = get_args(GateGrad)
# Dtypes that an argument may have besides the weight's.
_MASK = {"in_gates": (torch.bool,), "out_gates": (torch.bool,)}


def block_linear(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    in_gates: Tensor | None = None,
    out_gates: Tensor | None = None,
    *,
    activation: Activation = "identity",
    backend: str = "auto",
    gate_grad: GateGrad = "open",
) -> Tensor:
    """Compute ``y = activation((x * g_in) W + b) * g_out``, where each gate spans one block of features.

    This is the matrix form of Bengio et al. 2015 (arXiv 1511.06297, section 2), for binary or real gates. A gate
    of exactly 0 is closed: its block is neither read nor computed, so garbage or NaN behind it never reaches the
    result or a gradient.

    Args:
        x: ``[B, n_in * in_size]``.
        weight: ``[n_out, n_in, in_size, out_size]``, one contiguous tile per pair of blocks.
        bias: ``[n_out * out_size]``.
        in_gates: ``[B, n_in]``, or None for all open. Gates of dtype bool open and close without scaling; on a GPU such
            a mask on the input is cheaper than factors of 1.
        out_gates: ``[B, n_out]``, likewise.
        activation: ``"identity"``, ``"relu"`` or ``"tanh"``, applied before the output gates.
        backend: ``"auto"``, or the name of one in ``BACKENDS``, which must then run it. ``"auto"`` is what
            :func:`kernels.use_backend` or the environment variable ``GATING_BACKEND`` pins, or else what suits the
            arguments.
        gate_grad: ``"open"`` returns gradients for open gates and 0 for closed ones, so that closed blocks can be
            skipped. ``"exact"`` returns the true gradient of closed gates too, at the price of computing them;
            estimators such as straight-through need it.

    Returns:
        ``[B, n_out * out_size]``.

    Raises:
        ValueError: a shape, dtype, device or option does not fit; the message names it and what would.
        BackendError: the back end is pinned and cannot run these arguments; the message says why.
    """
    if not _fits(x, weight, bias, in_gates, out_gates, activation, gate_grad):
        raise ValueError(_explain(x, weight, bias, in_gates, out_gates, activation, gate_grad))
    chosen = choose(checked(backend, "backend"), weight, in_gates, gate_grad)
    if in_gates is not None and in_gates.dtype is torch.bool and chosen != "triton":
        in_gates = in_gates.to(weight.dtype)
    if out_gates is not None and out_gates.dtype is torch.bool:
        out_gates = out_gates.to(weight.dtype)
    arguments = (x, weight, bias, in_gates, out_gates)
    if chosen == "reference":
        return reference.block_linear(*arguments, activation, gate_grad)
    return differentiable(chosen, arguments, activation, gate_grad)


def _fits(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    in_gates: Tensor | None,
    out_gates: Tensor | None,
    activation: str,
    gate_grad: str,
) -> bool:
    """Whether the arguments fit together; as little work as can be, since a batch of one takes a few microseconds."""
    if weight.dim() != 4 or activation not in ACTIVATIONS or gate_grad not in GATE_GRADS:
        return False
    n_out, n_in, in_size, out_size = weight.shape
    dtype, device = weight.dtype, weight.device
    rows = x.shape[0] if x.dim() == 2 else -1
    return (
        dtype.is_floating_point
        and x.shape == (rows, n_in * in_size)
        and x.dtype is dtype
        and x.device == device
        and (bias is None or (bias.shape == (n_out * out_size,) and bias.dtype is dtype and bias.device == device))
        and (
            in_gates is None
            or (in_gates.shape == (rows, n_in) and in_gates.dtype in (dtype, torch.bool) and in_gates.device == device)
        )
        and (
            out_gates is None
            or (
                out_gates.shape == (rows, n_out)
                and out_gates.dtype in (dtype, torch.bool)
                and out_gates.device == device
            )
        )
    )


def _explain(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    in_gates: Tensor | None,
    out_gates: Tensor | None,
    activation: str,
    gate_grad: str,
) -> str:
    """Return what is wrong with arguments that do not fit, and what would be right."""
    if activation not in ACTIVATIONS:
        return f"unknown activation {activation!r}: choose one of {', '.join(ACTIVATIONS)}"
    if gate_grad not in GATE_GRADS:
        return f"unknown gate_grad {gate_grad!r}: choose one of {', '.join(GATE_GRADS)}"
    if weight.dim() != 4:
        return f"weight has shape {list(weight.shape)}, expected [n_out, n_in, in_size, out_size]"
    if x.dim() != 2:
        return f"x has shape {list(x.shape)}, expected [B, n_in * in_size]"
    if not weight.dtype.is_floating_point:
        return f"weight has dtype {weight.dtype}, expected a floating point dtype"
    n_out, n_in, in_size, out_size = weight.shape
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
        and (tensor.device != weight.device or tensor.dtype not in (weight.dtype, *_MASK.get(name, ())))
    )
    return f"{name} is {tensor.dtype} on {tensor.device}, expected {weight.dtype} on {weight.device} like weight"
