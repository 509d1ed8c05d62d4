"""From tensors to the compiled kernels."""

import torch
from torch import Tensor

from kernels.arguments import Operands
from kernels.backend import Call, Gradients, Needs
from kernels.cpu.backward import input_and_weight_gradients, output_gradients
from kernels.cpu.compilation import LAYER, unavailable
from kernels.cpu.forward import forward as forward_kernel
from kernels.cpu.gemv import gemv
from kernels.cpu.threads import in_ranges
from kernels.reference import Activation, GateGrad

ACTIVATIONS = {"identity": 0, "relu": 1, "tanh": 2}
# Up to so many rows each reads the weights by itself, without lists of rows: less to do before the first product, but
# at density 1/2 eight rows that share their reads take 161 microseconds instead of 225 (1024 units).
FEW_ROWS = 2
_NO_MEMORY = "a tensor has no memory: its storage was freed, or was never allocated"


def unsupported(call: Call) -> str | None:
    """Return why a call cannot be run on this machine, or None; see :func:`kernels.cpu.compilation.unavailable`."""
    return unfit(call) or unavailable(LAYER)


def unfit(call: Call) -> str | None:
    """Return why a call cannot be run on any machine, or None."""
    if call.device != "cpu":
        return f"the cpu back end needs CPU tensors, these are on {call.device}"
    if call.dtype is not torch.float32:
        return f"the cpu back end computes in float32, these are {call.dtype}"
    if call.gate_grad == "exact" and call.in_gated:
        return "the cpu back end has no exact gradients of input gates"
    return None


def saves_hidden(dtype: torch.dtype, activation: Activation, *, out_gated: bool) -> bool:
    """Return False: in float32 the activation can be had from the result."""
    return False


def forward(
    operands: Operands,
    activation: Activation,
    hidden: Tensor | None = None,
) -> Tensor:
    """Return the result of the operation; see :func:`kernels.block_linear`.

    ``hidden`` is never asked for, see :func:`saves_hidden`.
    """
    x, weight, bias, in_gates, out_gates = operands
    n_out, n_in, in_size, out_size = weight.shape
    rows = x.shape[0]
    y = x.new_empty(rows, n_out * out_size)
    x, weight = x.contiguous(), weight.contiguous()
    bias = None if bias is None else bias.contiguous()
    in_gates = None if in_gates is None else in_gates.contiguous()
    out_gates = None if out_gates is None else out_gates.contiguous()
    addresses = (
        x.data_ptr(),
        weight.data_ptr(),
        0 if bias is None else bias.data_ptr(),
        0 if in_gates is None else in_gates.data_ptr(),
        0 if out_gates is None else out_gates.data_ptr(),
        y.data_ptr(),
    )
    # Address 0 means that there is no tensor.
    if rows and addresses.count(0) != (bias is None) + (in_gates is None) + (out_gates is None):
        raise ValueError(_NO_MEMORY)
    run = gemv if rows <= FEW_ROWS else run_forward
    run(*addresses, rows, n_out, n_in, in_size, out_size, ACTIVATIONS[activation])
    return y


def run_forward(
    x: int,
    weight: int,
    bias: int,
    in_gates: int,
    out_gates: int,
    y: int,
    rows: int,
    n_out: int,
    n_in: int,
    in_size: int,
    out_size: int,
    activation: int,
    clear: int = 1,
) -> None:
    """Run the kernel that suits the batch, on addresses of contiguous tensors, 0 for none."""
    addresses, sizes = (x, weight, bias, in_gates, out_gates, y), (rows, n_out, n_in, in_size, out_size, activation)
    if rows <= FEW_ROWS:
        gemv(*addresses, *sizes)
        return
    work = rows * n_out * n_in * in_size * out_size
    in_ranges(lambda first, last: forward_kernel(*addresses, *sizes, clear, first, last), n_out, work)


def backward(
    grad: Tensor,
    operands: Operands,
    y: Tensor,
    activation: Activation,
    gate_grad: GateGrad,
    needs: Needs,
) -> Gradients:
    """Return the gradients that are needed; see :class:`kernels.backend.Backend`."""
    x, weight, bias, in_gates, out_gates = operands
    at_output, dz = from_output(grad, weight, out_gates, y, activation, needs)
    if gate_grad == "exact" and at_output.out_gates is not None:
        assert out_gates is not None
        closed = _closed_gates_gradient(grad, forward((x, weight, bias, in_gates, None), activation), out_gates)
        at_output = at_output._replace(out_gates=torch.where(out_gates == 0, closed, at_output.out_gates))
    if not (needs.x or needs.weight or needs.in_gates):
        return at_output
    at_input = to_input(dz, x, weight, in_gates, out_gates, needs)
    return at_input._replace(bias=at_output.bias, out_gates=at_output.out_gates)


def from_output(
    grad: Tensor, weight: Tensor, out_gates: Tensor | None, y: Tensor, activation: Activation, needs: Needs
) -> tuple[Gradients, Tensor]:
    """Return the gradients of bias and output gates, and that of the pre-activations, undefined in closed blocks."""
    n_out, _, _, out_size = weight.shape
    grad, y = grad.contiguous(), y.contiguous()
    out_gates = None if out_gates is None else out_gates.contiguous()
    dz = torch.empty_like(grad)
    bias_grad = grad.new_empty(n_out * out_size) if needs.bias else None
    gates_grad = torch.empty_like(out_gates) if needs.out_gates and out_gates is not None else None
    output_gradients(
        _address(grad),
        _address(y),
        _address(out_gates),
        dz.data_ptr(),
        _address(bias_grad),
        _address(gates_grad),
        grad.shape[0],
        n_out,
        out_size,
        ACTIVATIONS[activation],
    )
    return Gradients(bias=bias_grad, out_gates=gates_grad), dz


def to_input(
    dz: Tensor,
    x: Tensor,
    weight: Tensor,
    in_gates: Tensor | None,
    out_gates: Tensor | None,
    needs: Needs,
    learning_rate: float = 0.0,
) -> Gradients:
    """Return the gradients of input, weight and input gates; with a learning rate, take a step on the weight too."""
    n_out, n_in, in_size, out_size = weight.shape
    x, weight = x.contiguous(), weight.contiguous()
    in_gates = None if in_gates is None else in_gates.contiguous()
    out_gates = None if out_gates is None else out_gates.contiguous()
    wants_input = needs.x or needs.in_gates
    x_grad = torch.empty_like(x) if wants_input else None
    weight_grad = torch.empty_like(weight) if needs.weight else None
    gates_grad = torch.empty_like(in_gates) if needs.in_gates and in_gates is not None else None
    addresses = (
        dz.data_ptr(),
        _address(x),
        _address(weight),
        _address(in_gates),
        _address(out_gates),
        _address(x_grad),
        _address(weight_grad),
        _address(gates_grad),
    )
    sizes = (learning_rate, x.shape[0], n_out, n_in, in_size, out_size)
    work = x.shape[0] * weight.numel()
    if wants_input:
        # An input's gradient is a sum over output blocks, which must stay on one thread.
        in_ranges(lambda first, last: input_and_weight_gradients(*addresses, *sizes, 0, n_out, first, last), n_in, work)
    else:
        in_ranges(lambda first, last: input_and_weight_gradients(*addresses, *sizes, first, last, 0, n_in), n_out, work)
    return Gradients(x=x_grad if needs.x else None, weight=weight_grad, in_gates=gates_grad)


def prepare() -> str | None:
    """Compile the kernels of layers, or load them, so that no later call waits for it.

    Returns:
        Why this machine cannot run them, or None.
    """
    return unavailable(LAYER)


def _closed_gates_gradient(grad: Tensor, every_block: Tensor, out_gates: Tensor) -> Tensor:
    # What lies behind a closed gate may be anything; like the reference, count what is not finite as 0.
    size = grad.shape[1] // out_gates.shape[1]
    products: Tensor = (grad * every_block.nan_to_num(0.0, 0.0, 0.0)).unflatten(1, (-1, size))
    return products.sum(dim=2)


def _address(tensor: Tensor | None) -> int:
    if tensor is None:
        return 0
    address = tensor.data_ptr()
    if address == 0 and tensor.numel():
        raise ValueError(_NO_MEMORY)
    return address
