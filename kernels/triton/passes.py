"""The forward and the backward pass: which kernels run, in which order, on what."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from kernels.arguments import Operands
from kernels.backend import Gradients, Needs
from kernels.reference import Activation
from kernels.triton import parameters
from kernels.triton.few_rows import few_rows
from kernels.triton.many_rows import many_rows
from kernels.triton.planning import rows_by_block
from kernels.triton.support import saves_hidden

# Up to these batches each row may as well read its own weights.
FEW_ROWS, FEW_ROWS_BOTH_GATED = 8, 32


def forward_pass(
    operands: Operands,
    activation: Activation,
    hidden: Tensor | None,
) -> Tensor:
    """See :func:`kernels.triton.forward`."""
    x, weight, bias, in_gates, out_gates = operands
    x, weight, bias = x.contiguous(), weight.contiguous(), _contiguous(bias)
    in_gates, out_gates = _contiguous(in_gates), _contiguous(out_gates)
    batch, width = x.shape[0], weight.shape[0] * weight.shape[3]
    if batch == 0:
        return x.new_empty(0, width)
    both_gated = in_gates is not None and out_gates is not None
    with _on_device_of(x):
        if batch <= (FEW_ROWS_BOTH_GATED if both_gated else FEW_ROWS):
            return few_rows(x, weight, bias, in_gates, out_gates, activation, hidden)
        y = x.new_empty(batch, width)
        many_rows(
            y,
            None,
            source=x,
            weight=weight,
            bias=bias,
            source_gates=in_gates,
            result_gates=out_gates,
            result_lists=None if out_gates is None else rows_by_block(out_gates),
            hidden=hidden,
            activation=activation,
        )
        return y


def backward_pass(
    grad: Tensor,
    operands: Operands,
    y: Tensor,
    activation: Activation,
    needs: Needs,
) -> Gradients:
    """See :func:`kernels.triton.backward`."""
    x, weight, bias, in_gates, out_gates = operands
    x_needed, weight_needed, bias_needed, in_needed, out_needed = needs
    if x.shape[0] == 0:
        return Gradients(
            _zeros(x_needed, x),
            _zeros(weight_needed, weight),
            _zeros(bias_needed, bias),
            _zeros(in_needed, in_gates),
            _zeros(out_needed, out_gates),
        )
    bias_needed, in_needed = bias_needed and bias is not None, in_needed and in_gates is not None
    grad, x, weight, y = grad.contiguous(), x.contiguous(), weight.contiguous(), y.contiguous()
    in_gates, out_gates = _contiguous(in_gates), _contiguous(out_gates)
    of_x = of_weight = of_bias = of_in_gates = of_out_gates = None
    with _on_device_of(x):
        if out_needed and out_gates is not None:
            of_out_gates = torch.empty_like(out_gates)
        before = parameters.before_activation(
            grad,
            y,
            out_gates,
            weight,
            activation,
            before_gates=saves_hidden(weight.dtype, activation, out_gated=out_gates is not None),
            stored=x_needed or weight_needed or bias_needed or in_needed,
            gate_gradient=of_out_gates,
        )
        if before is not None:
            in_lists = out_lists = None
            if in_gates is not None and (x_needed or in_needed or (weight_needed and out_gates is None)):
                in_lists = rows_by_block(in_gates)
            if out_gates is not None and (weight_needed or bias_needed):
                out_lists = rows_by_block(out_gates)
            if x_needed or in_needed:
                of_x = torch.empty_like(x) if x_needed else None
                of_in_gates = torch.empty_like(in_gates) if in_needed and in_gates is not None else None
                many_rows(
                    of_x,
                    of_in_gates,
                    source=before,
                    weight=weight,
                    source_gates=out_gates,
                    result_gates=in_gates,
                    result_lists=in_lists,
                    factor=x,
                    swapped=True,
                )
            if weight_needed:
                lists, listed = (out_lists, "out") if out_gates is not None else (in_lists, "in")
                of_weight = parameters.of_weight(
                    x, before, weight, in_gates, lists, listed if lists is not None else "all"
                )
            if bias_needed:
                of_bias = parameters.of_bias(before, weight, out_lists)
    return Gradients(of_x, of_weight, of_bias, of_in_gates, of_out_gates)


def _contiguous(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else tensor.contiguous()


def _zeros(needed: bool, like: Tensor | None) -> Tensor | None:
    return torch.zeros_like(like) if needed and like is not None else None


def _on_device_of(tensor: Tensor) -> AbstractContextManager[object]:
    """Triton launches on the current device, not on that of its arguments."""
    if not tensor.is_cuda or tensor.get_device() == torch.cuda.current_device():
        return nullcontext()
    return torch.cuda.device(tensor.device)
