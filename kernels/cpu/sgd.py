"""Backward pass and plain SGD step in one, for training without momentum, weight decay or a clipped norm."""

import torch
from torch import Tensor

from kernels.arguments import check
from kernels.backend import Call, Needs
from kernels.cpu.compilation import LAYER, require
from kernels.cpu.launch import from_output, to_input, unfit
from kernels.ordinary import unusual
from kernels.reference import Activation


@torch.no_grad()
def backward_and_step(
    grad: Tensor,
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    in_gates: Tensor | None,
    out_gates: Tensor | None,
    y: Tensor,
    activation: Activation,
    *,
    learning_rate: float,
    needs_x: bool = True,
) -> Tensor | None:
    """Subtract ``learning_rate`` times their gradients from ``weight`` and ``bias``, and return the gradient of ``x``.

    The gradient of the weight is never stored: it is subtracted tile by tile while the tile is in cache, and tiles that
    no row opens are not touched.

    Args:
        grad: ``[B, n_out * out_size]``, the gradient of the result ``y``.
        x: as given to ``block_linear``; so are the arguments up to ``out_gates``.
        weight: likewise; changed in place.
        bias: likewise; changed in place.
        in_gates: likewise.
        out_gates: likewise.
        y: what ``block_linear`` returned.
        activation: as given to it.
        learning_rate: of the step.
        needs_x: whether the gradient of ``x``, at the weight before the step, is wanted.

    Returns:
        ``[B, n_in * in_size]``, or None.

    Raises:
        ValueError: the arguments do not fit or cannot be run on the CPU, or the weight is not contiguous.
        BackendError: this machine cannot run the kernels; the message says why.
    """
    reason = unusual(grad, x, weight, bias, in_gates, out_gates, y) or unfit(
        Call(weight.device.type, weight.dtype, tuple(weight.shape), in_gated=False, gate_grad="open")
    )
    if reason is not None:
        raise ValueError(reason)
    check((x, weight, bias, in_gates, out_gates), activation, "open")
    for name, tensor in {"grad": grad, "y": y}.items():
        if tensor.shape != (x.shape[0], weight.shape[0] * weight.shape[3]) or tensor.dtype is not weight.dtype:
            raise ValueError(f"{name} is {tensor.dtype} {list(tensor.shape)}, expected {weight.dtype} like the result")
    if not weight.is_contiguous():
        raise ValueError("weight is updated in place and must be contiguous")
    require(LAYER)
    in_gates = None if in_gates is None else in_gates.to(weight.dtype)
    out_gates = None if out_gates is None else out_gates.to(weight.dtype)
    needs = Needs(x=needs_x, weight=False, bias=bias is not None, in_gates=False, out_gates=False)
    at_output, dz = from_output(grad, weight, out_gates, y, activation, needs)
    at_input = to_input(dz, x, weight, in_gates, out_gates, needs, float(learning_rate))
    if bias is not None:
        assert at_output.bias is not None
        bias.sub_(at_output.bias, alpha=learning_rate)
    return at_input.x
