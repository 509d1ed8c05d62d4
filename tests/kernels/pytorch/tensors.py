"""Tensors of every kind."""

from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.nn.functional import linear
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map
from torch.utils.flop_counter import FlopCounterMode

from tests.kernels.pytorch.scenario import UNITS_IN, UNITS_OUT, Layer, Operands, derivatives, scenario


def in_dtype(layer: Layer, given: Operands, dtype: torch.dtype) -> list[Tensor]:
    cast = Operands(*(tensor.detach().to(dtype).requires_grad_() for tensor in given))
    return derivatives(layer(*cast), cast)


@scenario("float64")
def double(layer: Layer, given: Operands) -> list[Tensor]:
    return in_dtype(layer, given, torch.float64)


@scenario("bfloat16, float16")
def narrow(layer: Layer, given: Operands) -> list[Tensor]:
    return in_dtype(layer, given, torch.bfloat16) + in_dtype(layer, given, torch.float16)


@scenario("complex numbers")
def complex_numbers(layer: Layer, given: Operands) -> list[Tensor]:
    return in_dtype(layer, given, torch.complex64)


@scenario("integers")
def integers(layer: Layer, given: Operands) -> list[Tensor]:
    return [layer(*(tensor.to(torch.int32) for tensor in given))]


@scenario("quantised tensors")
def quantised(layer: Layer, given: Operands) -> list[Tensor]:
    weight = torch.quantize_per_tensor(given.weight.detach(), 0.1, 0, torch.qint8)
    return [layer(given.x, weight, *given[2:])]


@scenario("operands of different dtypes")
def mixed(layer: Layer, given: Operands) -> list[Tensor]:
    return [layer(given.x.double(), *given[1:])]


@scenario("`torch.autocast` on a CPU")
def autocast(layer: Layer, given: Operands) -> list[Tensor]:
    with torch.autocast("cpu"):
        before = linear(given.x, torch.eye(UNITS_IN))
        assert before.dtype is torch.bfloat16
        y = layer(before, *given[1:])
        assert y.dtype is not torch.bfloat16
        after = linear(y.float(), torch.eye(UNITS_OUT))
        loss = y.square().sum() + after.sum()
    # Outside, as PyTorch advises.
    return [y, *torch.autograd.grad(loss, list(given)[1:])]


@scenario("bool gates")
def masks(layer: Layer, given: Operands) -> list[Tensor]:
    leaves = list(given)[:3]
    return derivatives(layer(*leaves, given.in_gates > 0, given.out_gates > 0), leaves)


@scenario("`torch.set_default_dtype(torch.float64)`")
def default_dtype(layer: Layer, given: Operands) -> list[Tensor]:
    torch.set_default_dtype(torch.float64)
    try:
        return derivatives(layer(*given), given)
    finally:
        torch.set_default_dtype(torch.float32)


@scenario("`torch.set_default_device`, `with torch.device(...)`")
def default_device(layer: Layer, given: Operands) -> list[Tensor]:
    with torch.device("meta"):
        return derivatives(layer(*given), given)


@scenario("views that are not contiguous: transposed, strided, expanded, overlapping")
def views(layer: Layer, given: Operands) -> list[Tensor]:
    x, weight, bias, in_gates, out_gates = given
    transposed = x.T.contiguous().T, weight.permute(3, 1, 0, 2).contiguous().permute(2, 1, 3, 0), bias
    strided = [torch.stack([tensor, tensor + 1], dim=-1)[..., 0] for tensor in given]
    expanded = x[:1].expand(len(x), -1), weight[:, :, :1].expand(weight.shape), bias[:1].expand(UNITS_OUT)
    overlapping = torch.as_strided(x.flatten(), x.shape, (1, 1))
    found = derivatives(layer(*transposed, in_gates.T.contiguous().T, out_gates.flip(1).flip(1)), given)
    found += derivatives(layer(*strided), given)
    found += derivatives(layer(*expanded, in_gates[:1].expand(len(x), -1), out_gates[:1].expand(len(x), -1)), given)
    return found + derivatives(layer(overlapping, *given[1:]), given)


@scenario("views that are negated when they are read: `z.conj().imag`")
def negated(layer: Layer, given: Operands) -> list[Tensor]:
    found = []
    for index in range(5):
        arguments = list(given)
        # Contiguous, as the next one is only if it has one element.
        arguments[index] = torch._neg_view(-arguments[index])
        assert arguments[index].is_neg()
        found += derivatives(layer(*arguments), given)
        arguments[index] = torch.complex(torch.zeros(()), -given[index]).conj().imag
        found += derivatives(layer(*arguments), given)
    return found


def refused_layout(layer: Layer, given: Operands, index: int, tensor: Tensor) -> list[Tensor]:
    return [layer(*given[:index], tensor, *given[index + 1 :])]


@scenario("sparse tensors")
def sparse(layer: Layer, given: Operands) -> list[Tensor]:
    return refused_layout(layer, given, 0, given.x.detach().to_sparse())


@scenario("sparse weights")
def sparse_weight(layer: Layer, given: Operands) -> list[Tensor]:
    return refused_layout(layer, given, 1, given.weight.detach().to_sparse())


@scenario("sparse gates, compressed by row")
def sparse_gates(layer: Layer, given: Operands) -> list[Tensor]:
    return refused_layout(layer, given, 4, given.out_gates.detach().to_sparse_csr())


@scenario("tensors in the layout of MKL-DNN")
def mkldnn(layer: Layer, given: Operands) -> list[Tensor]:
    return refused_layout(layer, given, 0, given.x.detach().to_mkldnn())


@scenario("nested tensors")
def nested(layer: Layer, given: Operands) -> list[Tensor]:
    rows = torch.nested.nested_tensor(list(given.x.detach()))
    return refused_layout(layer, given, 0, rows)


@scenario("jagged nested tensors")
def jagged(layer: Layer, given: Operands) -> list[Tensor]:
    rows = torch.nested.nested_tensor([given.x.detach(), given.x.detach()[:1]], layout=torch.jagged)
    return refused_layout(layer, given, 0, rows)


@scenario("meta tensors")
def meta(layer: Layer, given: Operands) -> list[Tensor]:
    y = layer(*(tensor.to("meta") for tensor in given))
    assert (y.device.type, y.shape) == ("meta", (len(given.x), UNITS_OUT))
    return [layer(*(tensor.detach().double() for tensor in given))]


@scenario("fake tensors: `FakeTensorMode`")
def fake(layer: Layer, given: Operands) -> list[Tensor]:
    with FakeTensorMode() as mode:
        imagined = [mode.from_tensor(tensor) for tensor in given]
        y = layer(*imagined)
        assert (type(y).__name__, y.shape) == ("FakeTensor", (len(given.x), UNITS_OUT))
        shapes = [gradient.shape for gradient in torch.autograd.grad(y.sum(), imagined)]
        assert shapes == [tensor.shape for tensor in given]
    return [torch.ones(1)]


@scenario("fake tensors outside of their mode")
def fake_outside(layer: Layer, given: Operands) -> list[Tensor]:
    mode = FakeTensorMode()
    assert type(layer(*(mode.from_tensor(tensor) for tensor in given))).__name__ == "FakeTensor"
    return [torch.ones(1)]


@scenario("tensors whose storage was freed")
def freed(layer: Layer, given: Operands) -> list[Tensor]:
    weight = given.weight.detach().clone()
    weight.untyped_storage().resize_(0)
    return [layer(given.x, weight, *given[2:])]


@scenario("`nn.Parameter`, `nn.Buffer`")
def parameters(layer: Layer, given: Operands) -> list[Tensor]:
    weight, bias = nn.Parameter(given.weight.detach()), nn.Parameter(given.bias.detach())
    y = layer(nn.Buffer(given.x.detach()), weight, bias, nn.Buffer(given.in_gates.detach()), given.out_gates)
    return derivatives(y, [weight, bias])


@scenario("parameters that are yet to be initialised")
def uninitialised(layer: Layer, given: Operands) -> list[Tensor]:
    return [layer(given.x, nn.UninitializedParameter(), *given[2:])]


class Named(Tensor):
    """A subclass that is its own memory."""


@scenario("subclasses of `Tensor` with `__torch_function__`")
def subclass(layer: Layer, given: Operands) -> list[Tensor]:
    y = layer(given.x.as_subclass(Named), *given[1:])
    assert type(y) is Named
    return [tensor.as_subclass(Tensor) for tensor in derivatives(y, given)]


class Wrapper(Tensor):
    """A tensor without memory, around one that has some, like DTensor."""

    held: Tensor

    @staticmethod
    def __new__(cls, inner: Tensor) -> "Wrapper":
        made: Wrapper = Tensor._make_wrapper_subclass(
            cls, inner.shape, strides=inner.stride(), dtype=inner.dtype, device=inner.device
        )
        made.held = inner
        return made

    @classmethod
    def __torch_dispatch__(cls, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:  # type: ignore[override]
        def unwrap(value: object) -> object:
            return value.held if isinstance(value, Wrapper) else value

        found = function(*tree_map(unwrap, args), **tree_map(unwrap, kwargs or {}))
        return tree_map(lambda value: Wrapper(value) if isinstance(value, Tensor) else value, found)


@scenario("subclasses with `__torch_dispatch__`, such as `DTensor`")
def wrapper(layer: Layer, given: Operands) -> list[Tensor]:
    wrapped = [Wrapper(tensor.detach()).requires_grad_() for tensor in given]
    found = derivatives(layer(*wrapped), wrapped)
    assert all(isinstance(tensor, Wrapper) for tensor in found)
    only_gates = layer(*given[:4], Wrapper(given.out_gates.detach()))
    return [tensor.held for tensor in [*found, only_gates] if isinstance(tensor, Wrapper)]


class Counting(TorchFunctionMode):
    calls = 0

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.calls += 1
        return function(*args, **(kwargs or {}))


@scenario("`TorchFunctionMode`")
def function_mode(layer: Layer, given: Operands) -> list[Tensor]:
    with Counting() as mode:
        y = layer(*given)
    assert mode.calls > 0
    return derivatives(y, given)


class Listing(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: list[str] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.seen.append(str(function))
        return function(*args, **(kwargs or {}))


@scenario("`TorchDispatchMode`, `FlopCounterMode`")
def dispatch_mode(layer: Layer, given: Operands) -> list[Tensor]:
    with Listing() as mode:
        y = layer(*given.plain)
    assert {"aten.mm.default", "gating_studies.block_linear.default"} & {*mode.seen}
    with FlopCounterMode(display=False) as counter:
        layer(*given.plain)
    # A multiply-add is two, of closed blocks too; the reference finds out which weights are read, by another product.
    product = 2 * len(given.x) * UNITS_IN * UNITS_OUT
    assert product <= counter.get_total_flops() < 1.3 * product
    with FlopCounterMode(display=False) as counter:
        found = derivatives(layer(*given), given)
    assert 3 * product <= counter.get_total_flops() < 3.3 * product
    return [y, *found]


@scenario("no rows")
def no_rows(layer: Layer, given: Operands) -> list[Tensor]:
    y = layer(given.x[:0], given.weight, given.bias, given.in_gates[:0], given.out_gates[:0])
    assert y.shape == (0, UNITS_OUT)
    return [*derivatives(y, given), torch.ones(1)]


@scenario("no blocks")
def no_blocks(layer: Layer, given: Operands) -> list[Tensor]:
    return [layer(given.x[:, :0], given.weight[:, :0], given.bias, given.in_gates[:, :0], given.out_gates)]
