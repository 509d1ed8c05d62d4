"""Triton back end for CUDA: forward and backward of the operation, skipping what closed gates make needless.

Importing this package needs no Triton; its other modules do, except ``support``.
"""

from torch import Tensor

from kernels.arguments import Operands
from kernels.backend import Gradients, Needs
from kernels.reference import Activation, GateGrad
from kernels.triton.support import check_rows, saves_hidden, unsupported

__all__ = ["backward", "forward", "saves_hidden", "unsupported"]


def forward(
    operands: Operands,
    activation: Activation,
    hidden: Tensor | None = None,
) -> Tensor:
    """Compute ``activation((x * g_in) W + b) * g_out`` without waiting for the device.

    The operands are those of :func:`kernels.block_linear`, already checked there, and :func:`unsupported` has no
    reason against them. Input gates may be bool: a mask is cheaper than factors. Products of float32 follow
    ``torch.get_float32_matmul_precision()``; sums are float32. ``hidden``, shaped like the result, receives the
    activation before the output gates in open blocks.

    Returns:
        ``[B, n_out * out_size]``.
    """
    from kernels.triton.passes import forward_pass

    x, weight, *_ = operands
    check_rows(x.shape[0], tuple(weight.shape))
    return forward_pass(operands, activation, hidden)


def backward(
    grad: Tensor,
    operands: Operands,
    y: Tensor,
    activation: Activation,
    gate_grad: GateGrad,
    needs: Needs,
) -> Gradients:
    """Gradients with the meaning of ``gate_grad="open"``, without waiting for the device.

    Args:
        grad: ``[B, n_out * out_size]``, the gradient of ``y``.
        operands: As in :func:`forward`.
        y: What :func:`forward` returned, from which the activations of open blocks are recovered as ``y / g_out``; or,
            where :func:`saves_hidden`, the activations themselves.
        activation: As in :func:`forward`.
        gate_grad: ``"open"``; :func:`unsupported` has refused anything else.
        needs: Which of the gradients of x, weight, bias, in_gates and out_gates to compute.

    Returns:
        The gradients of x, weight (dense, 0 where no row opens the pair), bias, in_gates and out_gates (0 where
        closed), each like its tensor; None for those that are not needed or whose tensor is None.
    """
    from kernels.triton.passes import backward_pass

    return backward_pass(grad, operands, y, activation, needs)
