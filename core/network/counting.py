"""Counting the multiply-adds of operations while they run: of a module of a strategy's own, and of anything else."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, cast
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from core.network.cost import PassCost
from core.strategy import ProtocolError

aten = torch.ops.aten

# Multiply-adds of products that torch has no formula for, from the shapes of the arguments and of the result.
_PRODUCTS = {
    aten.mv: lambda args, out: args[0].numel(),
    aten.addmv: lambda args, out: args[1].numel(),
    aten.dot: lambda args, out: args[0].numel(),
    aten.vdot: lambda args, out: args[0].numel(),
    aten.addr: lambda args, out: out.numel(),
    aten.addbmm: lambda args, out: args[1].numel() * args[2].shape[2],
    aten._cdist_forward: lambda args, out: out.numel() * args[0].shape[-1],
    aten._euclidean_dist: lambda args, out: out.numel() * args[0].shape[-1],
}
_MULTIPLICATIONS = frozenset(
    {
        aten.mul,
        aten.mul_,
        aten.div,
        aten.div_,
        aten.pow,
        aten.pow_,
        aten.addcmul,
        aten.addcmul_,
        aten.addcdiv,
        aten.addcdiv_,
        aten.lerp,
        aten.lerp_,
    }
)


def product_macs(operation: Any, args: Sequence[Any], kwargs: Mapping[str, Any], out: Any) -> int:
    """Return the multiply-adds of a matrix product, a convolution or an attention; 0 of any other operation.

    They are half of the operations that ``torch.utils.flop_counter`` has a formula for.
    """
    formula = flop_registry.get(operation)
    if formula is not None:
        return int(formula(*args, **kwargs, out_val=out)) // 2
    own = _PRODUCTS.get(operation)
    return int(own(args, out)) if own is not None else 0


def multiplications(operation: Any, out: Any) -> int:
    """Return how many numbers an elementwise multiplication, division or power gives; 0 of any other operation."""
    return out.numel() if operation in _MULTIPLICATIONS and isinstance(out, Tensor) and out.is_floating_point() else 0


def decompose(func: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Run an operation by those that it is made of, as under inference mode it has to be; or NotImplemented."""
    return func.decompose(*args, **kwargs) if hasattr(func, "decompose") else NotImplemented


def packet(func: Any) -> Any:
    """Return the operation that an overload belongs to."""
    return getattr(func, "overloadpacket", func)


class Watching(TorchDispatchMode):
    """Sees every operation that runs inside its ``with`` statement, by those that it is made of.

    Attributes:
        paused: whether what runs is none of its business.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.paused = False

    @abstractmethod
    def saw(self, operation: Any, args: Sequence[Any], kwargs: Mapping[str, Any], out: Any) -> None:
        """Take note of an operation that has run."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        if self.paused:
            return func(*args, **kwargs)
        with self:
            decomposed = decompose(func, args, kwargs)
        if decomposed is not NotImplemented:
            return decomposed
        out = func(*args, **kwargs)
        self.saw(packet(func), args, kwargs, out)
        return out


class Count(Watching):
    """Adds up the multiply-adds of all that runs inside its ``with`` statement.

    Attributes:
        macs: products, and elementwise multiplications at one each.
        columns: for each of ``inputs`` ``[rows, features]``, how many numbers were computed from a row of it by
            matrix products that read the input itself.
    """

    def __init__(self, inputs: Sequence[Tensor]) -> None:
        super().__init__()
        self.macs = 0
        self.columns = [0] * len(inputs)
        self._inputs = inputs

    def saw(self, operation: Any, args: Sequence[Any], kwargs: Mapping[str, Any], out: Any) -> None:
        """Add up what it multiplies."""
        self.macs += product_macs(operation, args, kwargs, out) + multiplications(operation, out)
        if operation in (aten.mm, aten.addmm):
            self._note(args[-2], args[-1])

    def _note(self, left: Tensor, right: Tensor) -> None:
        for number, read in enumerate(self._inputs):
            if same_memory(left, read) and left.shape in (read.shape, read.shape[::-1]):
                self.columns[number] += right.shape[1]
            elif same_memory(right, read) and right.shape == read.shape:
                self.columns[number] += left.shape[0]


def same_memory(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors begin at the same place in memory and are as large, as a tensor and its ``detach()``."""
    return one.data_ptr() == other.data_ptr() and one.numel() == other.numel() > 0


def version_of(tensor: Tensor) -> int:
    """Return how often a tensor was written to in place; 0 where nobody counts.

    Tensors made under ``torch.inference_mode`` have no count, and cannot be written to outside of it; to look for one
    would cut the graph of a network that is being compiled.
    """
    return 0 if torch.compiler.is_compiling() or tensor.is_inference() else tensor._version


@dataclass(frozen=True)
class Reading:
    """What is known of a layer's input, beyond its values.

    Attributes:
        values: ``[B, features]``.
        read: ``[B]`` float64, how many of its units are open.
        differentiated: ``[B]`` float64, how many of its units receive a gradient.
    """

    values: Tensor
    read: Tensor
    differentiated: Tensor


@dataclass(frozen=True)
class _Work:
    """Multiply-adds of one call of a module, less those of the products that read a layer's input.

    Attributes:
        forward: per row.
        backward: per row, of the gradients to the module's parameters and to its inputs.
        columns: for each input, numbers computed from it; of the backward, numbers that weights' gradients need of it.
    """

    forward: float
    backward: float
    columns: tuple[tuple[int, int], ...]


_KNOWN: WeakKeyDictionary[nn.Module, dict[Any, _Work]] = WeakKeyDictionary()


def run_charged(module: nn.Module, inputs: Sequence[Tensor], readings: Sequence[Reading], cost: PassCost) -> Tensor:
    """Run a module and charge its multiply-adds, forward and, where gradients are on, backward.

    They are counted the first time that the module sees inputs of these shapes; the count runs its backward once, and
    draws and changes nothing.

    Args:
        module: to run.
        inputs: of the module.
        readings: known inputs of layers. A matrix product that reads one of them itself is charged for its open units
            only, all others in full.
        cost: is charged, the same amount for every row but for what depends on open units.

    Raises:
        ProtocolError: the module does not return a tensor.
    """
    if torch.compiler.is_exporting():
        # What an exported network costs is not counted, and the number of rows is not known.
        return cast(Tensor, module(*inputs))
    known = [_reading(values, readings) for values in inputs]
    key = (
        tuple((values.shape, values.requires_grad, of is not None) for values, of in zip(inputs, known, strict=True)),
        cost.macs.shape[0],
        module.training,
        torch.is_grad_enabled(),
    )
    by_shape = _KNOWN.setdefault(module, {})
    if key in by_shape:
        values: Tensor = module(*inputs)
    else:
        values, by_shape[key] = _counted(module, inputs, known, cost.macs.shape[0])
    work = by_shape[key]
    cost.charge(work.forward, work.backward)
    for given, of, (forward, weights) in zip(inputs, known, work.columns, strict=True):
        if of is not None:
            to_input = of.differentiated * forward if given.requires_grad and torch.is_grad_enabled() else 0.0
            cost.charge(of.read * forward, of.read * weights + to_input)
    return values


def _reading(values: Tensor, readings: Sequence[Reading]) -> Reading | None:
    for reading in readings:
        if same_memory(values, reading.values) and values.shape == reading.values.shape:
            return reading
    return None


def _counted(
    module: nn.Module, inputs: Sequence[Tensor], known: Sequence[Reading | None], rows: int
) -> tuple[Tensor, _Work]:
    with Count(inputs) as forward:
        values = module(*inputs)
    if not isinstance(values, Tensor):
        raise ProtocolError(f"a module returned {type(values).__name__}, expected one tensor")
    backward = Count(inputs)
    if torch.is_grad_enabled() and values.requires_grad:
        wanted = [part for part in (*module.parameters(), *inputs) if part.requires_grad]
        with backward:
            torch.autograd.grad(values, wanted, torch.ones_like(values), retain_graph=True, allow_unused=True)
    forward_macs, backward_macs = float(forward.macs), float(backward.macs)
    columns = []
    for given, of, computed, weights in zip(inputs, known, forward.columns, backward.columns, strict=True):
        columns.append((computed, weights) if of is not None else (0, 0))
        if of is not None:
            forward_macs -= prod(given.shape) * computed
            to_input = computed if given.requires_grad and backward.macs else 0
            backward_macs -= prod(given.shape) * (weights + to_input)
    return values, _Work(forward_macs / rows, backward_macs / rows, tuple(columns))
