"""What a compiled back end provides, and which ones there are; each is imported when it is first used."""

import functools
import importlib
from typing import NamedTuple, Protocol, cast

import torch
from torch import Tensor

from kernels.arguments import Operands
from kernels.reference import Activation, GateGrad


class Needs(NamedTuple):
    """Which gradients are wanted."""

    x: bool
    weight: bool
    bias: bool
    in_gates: bool
    out_gates: bool


class Gradients(NamedTuple):
    """Gradients of the arguments, in their shapes; None where not wanted."""

    x: Tensor | None = None
    weight: Tensor | None = None
    bias: Tensor | None = None
    in_gates: Tensor | None = None
    out_gates: Tensor | None = None


class Call(NamedTuple):
    """What a back end must know of a call to say whether it can run it.

    Attributes:
        device: its type, ``cpu`` or ``cuda`` for instance.
        dtype: of all tensors.
        weight: its shape ``[n_out, n_in, in_size, out_size]``.
        in_gated: whether there are input gates.
        gate_grad: as given to ``block_linear``.
    """

    device: str
    dtype: torch.dtype
    weight: tuple[int, ...]
    in_gated: bool
    gate_grad: GateGrad


class Backend(Protocol):
    """The operation, forward and backward, on arguments that have been checked."""

    def unsupported(self, call: Call) -> str | None:
        """Return why the call cannot be run, or None."""

    def saves_hidden(self, dtype: torch.dtype, activation: Activation, *, out_gated: bool) -> bool:
        """Return whether ``backward`` takes what the activation returned, which ``forward`` must then save."""

    def forward(
        self,
        operands: Operands,
        activation: Activation,
        hidden: Tensor | None = None,
    ) -> Tensor:
        """Return the result of the operation; ``hidden`` of its shape receives the activation of open blocks."""

    def backward(
        self,
        grad: Tensor,
        operands: Operands,
        y: Tensor,
        activation: Activation,
        gate_grad: GateGrad,
        needs: Needs,
    ) -> Gradients:
        """Return the gradients that are needed, from ``grad``, that of the result ``y``.

        The activation's value in an open block is recovered as ``y / gate``; where :meth:`saves_hidden`, ``y`` is that
        value instead of the result.
        """


# Name -> module; "reference" needs none, PyTorch differentiates it.
COMPILED = {"cpu": "kernels.cpu", "triton": "kernels.triton"}
BACKENDS = ("reference", *COMPILED)


def prepare() -> None:
    """Compile the CPU kernels, or load them, so that no later call and no other process has to; if numba is there."""
    try:
        cpu = importlib.import_module(COMPILED["cpu"])
    except ImportError:
        return
    cpu.prepare()


@functools.cache
def load(name: str) -> Backend:
    """Import a compiled back end.

    Raises:
        ImportError: what it is compiled with is not installed.
    """
    return cast(Backend, importlib.import_module(COMPILED[name]))
