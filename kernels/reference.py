"""Plain PyTorch meaning of the operation: any device, any floating dtype, the oracle of every other back end."""

from typing import Literal

import torch
from torch import Tensor

Activation = Literal["identity", "relu", "tanh"]
GateGrad = Literal["open", "exact"]


def activate(x: Tensor, activation: Activation) -> Tensor:
    """Apply one of the fusible activations elementwise."""
    match activation:
        case "identity":
            return x
        case "relu":
            return torch.relu(x)
        case "tanh":
            return torch.tanh(x)


def gate_blocks(x: Tensor, gates: Tensor, gate_grad: GateGrad = "open") -> Tensor:
    """Multiply each block of ``x`` by its gate, so that nothing behind a closed gate can leak.

    Args:
        x: ``[B, n * size]``, features in ``n`` contiguous blocks.
        gates: ``[B, n]``; exactly 0 is closed.
        gate_grad: ``"open"`` gives closed gates a zero gradient; ``"exact"`` gives them their true one, which
            reads the closed blocks (non-finite values there count as 0).

    Returns:
        ``[B, n * size]``. Closed blocks are 0 whatever ``x`` holds there, and send no gradient to ``x``.
    """
    # Both masks are needed: the inner one keeps NaN out of the gate's gradient, the outer one keeps a NaN gradient
    # from coming back through a closed block.
    spread = gates.repeat_interleave(x.shape[1] // gates.shape[1], dim=1)
    gated = keep_open(keep_open(x, gates) * spread, gates)
    return gated if gate_grad == "open" else gated + _closed_part(x, gates)


def keep_open(x: Tensor, gates: Tensor) -> Tensor:
    """Return ``x`` ``[B, n * size]`` with 0 in closed blocks; their values and gradients go nowhere."""
    blocks = x.unflatten(1, (gates.shape[1], -1))
    return torch.where(gates.unsqueeze(-1) != 0, blocks, blocks.new_zeros(())).flatten(1)


def _closed_part(x: Tensor, gates: Tensor) -> Tensor:
    """Zeros whose gradient to a closed gate is the true one."""
    blocks = x.detach().unflatten(1, (gates.shape[1], -1)).nan_to_num(0.0, 0.0, 0.0)
    closed = torch.where(gates.unsqueeze(-1) != 0, blocks.new_zeros(()), blocks)
    return (closed * gates.unsqueeze(-1)).flatten(1)


def _without_unread_weights(weight: Tensor, in_gates: Tensor | None, out_gates: Tensor | None) -> Tensor:
    """Zero the weight blocks that no row opens on both sides, so that non-finite values there are not read."""
    rows = next(gates.shape[0] for gates in (in_gates, out_gates) if gates is not None)
    n_out, n_in = weight.shape[:2]
    in_open = weight.new_ones(rows, n_in) if in_gates is None else (in_gates != 0).to(weight.dtype)
    out_open = weight.new_ones(rows, n_out) if out_gates is None else (out_gates != 0).to(weight.dtype)
    read = (out_open.T @ in_open) > 0
    return torch.where(read[:, :, None, None], weight, weight.new_zeros(()))


def block_linear(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    in_gates: Tensor | None,
    out_gates: Tensor | None,
    activation: Activation,
    gate_grad: GateGrad,
) -> Tensor:
    """Mask, multiply, mask: see :func:`kernels.block_linear` for the arguments, which are already checked here."""
    n_out, n_in, in_size, out_size = weight.shape
    if in_gates is not None:
        x = gate_blocks(x, in_gates, gate_grad)
    if gate_grad == "open" and (in_gates is not None or out_gates is not None):
        weight = _without_unread_weights(weight, in_gates, out_gates)
    y = x @ weight.permute(1, 2, 0, 3).reshape(n_in * in_size, n_out * out_size)
    if bias is not None:
        y = y + bias
    if out_gates is None:
        return activate(y, activation)
    # Closed blocks are cut off before the activation too: the derivative of tanh at NaN is NaN, and 0 times it as well.
    hidden = gate_blocks(activate(keep_open(y, out_gates), activation), out_gates)
    return hidden if gate_grad == "open" else hidden + _closed_part(activate(y, activation), out_gates)
