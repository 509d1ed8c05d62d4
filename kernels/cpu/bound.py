"""One layer bound to its weights, for calls so short that checking and allocating would show."""

import torch
from torch import Tensor

from kernels.arguments import check
from kernels.backend import Call
from kernels.cpu.compilation import LAYER, require
from kernels.cpu.gemv import gemv
from kernels.cpu.launch import ACTIVATIONS, FEW_ROWS, run_forward, unfit
from kernels.ordinary import PLAIN, unusual
from kernels.reference import Activation


class BoundLinear:
    """``block_linear`` without gradients, with everything that does not change looked up once.

    Args:
        weight: ``[n_out, n_in, in_size, out_size]``, contiguous. Changes in place are seen.
        bias: ``[n_out * out_size]``, contiguous, or None.
        rows: of every batch.
        activation: before the output gates.

    A copy, by ``copy.deepcopy`` or ``pickle``, is bound to copies of the weights. Calls overwrite one result, so that
    threads need one bound layer each.

    Raises:
        ValueError: the tensors cannot be used on the CPU back end as they are.
        BackendError: this machine cannot run the kernels; the message says why.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, *, rows: int = 1, activation: Activation = "identity"):
        reason = unusual(weight, bias) or unfit(
            Call(weight.device.type, weight.dtype, tuple(weight.shape), in_gated=False, gate_grad="open")
        )
        if reason is None and not (weight.is_contiguous() and (bias is None or bias.is_contiguous())):
            reason = "weight and bias must be contiguous"
        if reason is not None:
            raise ValueError(reason)
        n_out, n_in, in_size, out_size = weight.shape
        # Of any input that fits: what is checked are the weights.
        check((weight.new_empty(rows, n_in * in_size), weight, bias, None, None), activation, "open")
        y = torch.empty(rows, n_out * out_size, dtype=torch.float32, device="cpu")
        require(LAYER)
        self._made_of = weight, bias, rows, activation
        self._weight, self._bias = weight, weight if bias is None else bias
        self._parameters = weight.data_ptr(), 0 if bias is None else bias.data_ptr()
        self._at = weight.data_ptr(), self._bias.data_ptr()
        self._sizes = rows, n_out, n_in, in_size, out_size, ACTIVATIONS[activation]
        self._x_shape = torch.Size([rows, n_in * in_size])
        self._in_shape, self._out_shape = torch.Size([rows, n_in]), torch.Size([rows, n_out])
        self._few_rows = rows <= FEW_ROWS
        self._y = y
        self._y_address = y.data_ptr()

    def __reduce__(self) -> tuple[object, ...]:
        return _bound, self._made_of

    def __call__(self, x: Tensor, in_gates: Tensor | None = None, out_gates: Tensor | None = None) -> Tensor:
        """Return ``[rows, n_out * out_size]``: always the same tensor, which the next call overwrites.

        Raises:
            ValueError: an argument is not a contiguous float32 CPU tensor of the right shape, or the weight or the bias
                was given other memory since.
        """
        if (self._weight.data_ptr(), self._bias.data_ptr()) != self._at:
            raise ValueError("the weight or the bias was given other memory: bind the layer again")
        in_address = out_address = 0
        if in_gates is not None:
            in_address = _address(in_gates, self._in_shape)
        if out_gates is not None:
            out_address = _address(out_gates, self._out_shape)
        x_address = _address(x, self._x_shape)
        run = gemv if self._few_rows else run_forward
        run(x_address, *self._parameters, in_address, out_address, self._y_address, *self._sizes)
        return self._y


def _bound(weight: Tensor, bias: Tensor | None, rows: int, activation: Activation) -> BoundLinear:
    return BoundLinear(weight, bias, rows=rows, activation=activation)


def _address(tensor: Tensor, shape: torch.Size) -> int:
    if (
        (type(tensor) is Tensor or type(tensor) in PLAIN)
        and tensor.shape == shape
        and tensor.dtype is torch.float32
        and tensor.is_cpu
        and tensor.is_contiguous()
    ):
        return tensor.data_ptr()
    raise ValueError(
        f"got {type(tensor).__name__} of {tensor.dtype} {list(tensor.shape)} on {tensor.device}, "
        f"expected contiguous float32 {list(shape)} on cpu"
    )
