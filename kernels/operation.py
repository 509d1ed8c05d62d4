"""The public entry: checks the arguments once, then hands over to a back end."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol, get_args

from torch import Tensor

from kernels import reference
from kernels.reference import Activation, GateGrad


class Backend(Protocol):
    """What every back end provides: the operation on arguments that have been checked."""

    def __call__(
        self,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        in_gates: Tensor | None,
        out_gates: Tensor | None,
        activation: Activation,
        gate_grad: GateGrad,
    ) -> Tensor: ...


BACKENDS: Mapping[str, Backend] = MappingProxyType({"reference": reference.block_linear})


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
        in_gates: ``[B, n_in]``, or None for all open.
        out_gates: ``[B, n_out]``, or None for all open.
        activation: ``"identity"``, ``"relu"`` or ``"tanh"``, applied before the output gates.
        backend: ``"auto"``, or the name of one back end in ``BACKENDS``.
        gate_grad: ``"open"`` returns gradients for open gates and 0 for closed ones, so that closed blocks can be
            skipped. ``"exact"`` returns the true gradient of closed gates too, at the price of computing them;
            estimators such as straight-through need it.

    Returns:
        ``[B, n_out * out_size]``.

    Raises:
        ValueError: a shape, dtype, device or option does not fit; the message names it and what would.
    """
    _check(x, weight, bias, in_gates, out_gates, activation, gate_grad)
    if backend == "auto":
        backend = "reference"
    if backend not in BACKENDS:
        raise ValueError(f"unknown backend {backend!r}: choose one of auto, {', '.join(BACKENDS)}")
    return BACKENDS[backend](x, weight, bias, in_gates, out_gates, activation, gate_grad)


def _check(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    in_gates: Tensor | None,
    out_gates: Tensor | None,
    activation: str,
    gate_grad: str,
) -> None:
    if weight.dim() != 4:
        raise ValueError(f"weight has shape {list(weight.shape)}, expected [n_out, n_in, in_size, out_size]")
    if x.dim() != 2:
        raise ValueError(f"x has shape {list(x.shape)}, expected [B, n_in * in_size]")
    if not weight.dtype.is_floating_point:
        raise ValueError(f"weight has dtype {weight.dtype}, expected a floating point dtype")
    n_out, n_in, in_size, out_size = weight.shape
    expected = {
        "x": (x, (x.shape[0], n_in * in_size)),
        "bias": (bias, (n_out * out_size,)),
        "in_gates": (in_gates, (x.shape[0], n_in)),
        "out_gates": (out_gates, (x.shape[0], n_out)),
    }
    for name, (tensor, shape) in expected.items():
        if tensor is None:
            continue
        if tensor.shape != shape:
            raise ValueError(
                f"{name} has shape {list(tensor.shape)}, expected {list(shape)} for weight {list(weight.shape)}"
            )
        if tensor.dtype != weight.dtype or tensor.device != weight.device:
            raise ValueError(
                f"{name} is {tensor.dtype} on {tensor.device}, expected {weight.dtype} on {weight.device} like weight"
            )
    if activation not in get_args(Activation):
        raise ValueError(f"unknown activation {activation!r}: choose one of {', '.join(get_args(Activation))}")
    if gate_grad not in get_args(GateGrad):
        raise ValueError(f"unknown gate_grad {gate_grad!r}: choose one of {', '.join(get_args(GateGrad))}")
