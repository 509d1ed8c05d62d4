"""The public entry: checks the arguments once, then hands over to a back end."""

from typing import Any, cast

import torch
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function

from kernels import reference
from kernels.arguments import Operands, explain, fit
from kernels.autograd import differentiable
from kernels.choice import checked, choose, choose_traced
from kernels.ordinary import followed, unusual
from kernels.reference import Activation, GateGrad

_AUTOCAST = ("cpu", "cuda")
_any_autocast = torch._C._is_any_autocast_enabled


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
        ``[B, n_out * out_size]``. Under ``torch.autocast`` its dtype is autocast's on a GPU, and float32 on a CPU:
        there this is among the operations that autocast keeps in float32.

    Raises:
        ValueError: a shape, dtype, device, layout or option does not fit; the message names it and what would.
        BackendError: the back end is pinned and cannot run these arguments; the message says why.
    """
    arguments = (x, weight, bias, in_gates, out_gates)
    if has_torch_function(arguments):
        options: Any = {"activation": activation, "backend": backend, "gate_grad": gate_grad}
        return handle_torch_function(block_linear, arguments, *arguments, **options)
    device = "cpu" if weight.is_cpu else weight.device.type
    if _any_autocast() and device in _AUTOCAST and torch.is_autocast_enabled(device):
        dtype = torch.float32 if device == "cpu" else torch.get_autocast_dtype(device)
        with torch.autocast(device, enabled=False):
            operands = _as(dtype, arguments)
            return block_linear(*operands, activation=activation, backend=backend, gate_grad=gate_grad)
    if not fit(arguments, activation, gate_grad):
        raise ValueError(explain(arguments, activation, gate_grad))
    call = checked(backend, "backend"), device, weight.dtype, weight.shape, in_gates is not None, gate_grad
    traced = torch.compiler.is_compiling()
    chosen = choose_traced(*call) if traced else choose(*call, unusual(*arguments))
    if in_gates is not None and in_gates.dtype is torch.bool and chosen != "triton":
        in_gates = in_gates.to(weight.dtype)
    if out_gates is not None and out_gates.dtype is torch.bool:
        out_gates = out_gates.to(weight.dtype)
    arguments = (x, weight, bias, in_gates, out_gates)
    if chosen == "reference":
        return reference.block_linear(*arguments, activation, gate_grad)
    return differentiable(chosen, arguments, activation, gate_grad, as_operator=traced or followed())


def _as(dtype: torch.dtype, arguments: Operands) -> Operands:
    """Return the arguments as autocast hands them on: in ``dtype``, but for masks and what is in float64."""

    def cast_one(tensor: Tensor | None) -> Tensor | None:
        if tensor is None or tensor.dtype is torch.float64 or not tensor.is_floating_point():
            return tensor
        return tensor.to(dtype)

    return cast(Operands, tuple(cast_one(tensor) for tensor in arguments))
