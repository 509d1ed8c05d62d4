"""Programs that PyTorch makes of code, and copies of it."""

import copy
import io
import pickle
from typing import Any

import torch
from torch import Tensor, nn
from torch._dynamo import compiled_autograd
from torch._functorch.aot_autograd import aot_function
from torch._functorch.compilers import nop
from torch.autograd import forward_ad
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.utils import parametrizations, prune

from tests.kernels.pytorch.scenario import SHAPE, Gated, Layer, Operands, derivatives, operands, scenario


@scenario("`torch.compile`, forward and backward")
def compiled(layer: Layer, given: Operands) -> list[Tensor]:
    torch.compiler.reset()
    run = torch.compile(lambda *tensors: layer(*tensors) * 2, backend="aot_eager", fullgraph=True)
    return derivatives(run(*given), given)


@scenario("`torch.compile` with other batches, other weights, `dynamic=True`")
def compiled_dynamically(layer: Layer, given: Operands) -> list[Tensor]:
    found = []
    for dynamic in (None, True):
        torch.compiler.reset()
        run = torch.compile(lambda *tensors: layer(*tensors) * 2, backend="aot_eager", fullgraph=True, dynamic=dynamic)
        for rows in (len(given.x), 7, 9):
            other = operands(rows)
            found += derivatives(run(*other), other)
            fewer = [other.x, other.weight[:2], other.bias[:10], other.in_gates, other.out_gates[:, :2]]
            found.append(run(*fewer))
    return found


@scenario("`torch.compile` under `torch.autocast`")
def compiled_with_autocast(layer: Layer, given: Operands) -> list[Tensor]:
    torch.compiler.reset()
    run = torch.compile(lambda *tensors: layer(*tensors) * 2, backend="aot_eager", fullgraph=True)
    with torch.autocast("cpu"):
        y = run(given.x.to(torch.bfloat16), *given[1:])
    return [y, *torch.autograd.grad(y.square().sum(), list(given)[1:])]


@scenario("`torch.cond`")
def branches(layer: Layer, given: Operands) -> list[Tensor]:
    torch.compiler.reset()
    positive = given.x.detach().sum() > 0
    y = torch.cond(positive, lambda *tensors: layer(*tensors), lambda *tensors: -layer(*tensors), tuple(given))
    return derivatives(y, given)


@scenario("compiled autograd")
def compiled_backward(layer: Layer, given: Operands) -> list[Tensor]:
    torch.compiler.reset()
    y = layer(*given)
    with compiled_autograd._enable(torch.compile(backend="aot_eager")):
        y.square().sum().backward()
    return [tensor.grad for tensor in given if tensor.grad is not None]


@scenario("transforms of `torch.func` inside of `torch.compile`")
def transformed_inside(layer: Layer, given: Operands) -> list[Tensor]:
    torch.compiler.reset()
    x, *rest = given.plain

    def loss(x: Tensor) -> Tensor:
        return layer(x, *rest).square().sum()

    def found(x: Tensor) -> tuple[Tensor, ...]:
        by_row = torch.func.vmap(lambda row: layer(row[None].expand(x.shape), *rest))(x)
        return torch.func.grad(loss)(x), torch.func.jvp(loss, (x,), (x,))[1], by_row

    return list(torch.compile(found, backend="aot_eager", fullgraph=True)(x))


@scenario("transforms of `torch.func` around `torch.compile`")
def transformed_outside(layer: Layer, given: Operands) -> list[Tensor]:
    torch.compiler.reset()
    x, *rest = given.plain
    run = torch.compile(lambda x: layer(x, *rest).square().sum(), backend="aot_eager")
    first = run(x)
    return [first, torch.func.grad(run)(x), torch.func.vmap(run)(torch.stack([x, 2 * x]))]


@scenario("compiled code in forward mode")
def compiled_in_forward_mode(layer: Layer, given: Operands) -> list[Tensor]:
    torch.compiler.reset()
    run = torch.compile(lambda *tensors: layer(*tensors) * 2, backend="aot_eager")
    x, *rest = given.plain
    run(x, *rest)
    with forward_ad.dual_level():
        return [forward_ad.unpack_dual(run(forward_ad.make_dual(x, x), *rest)).primal]


@scenario("gradients of gradients of compiled code")
def compiled_twice(layer: Layer, given: Operands) -> list[Tensor]:
    torch.compiler.reset()
    run = torch.compile(lambda *tensors: layer(*tensors) * 2, backend="aot_eager")
    (slope,) = torch.autograd.grad(run(*given).sum(), given.x, create_graph=True)
    return list(torch.autograd.grad(slope.square().sum(), list(given)))


@scenario("gradients of gradients of an exported program")
def exported_twice(layer: Layer, given: Operands) -> list[Tensor]:
    module = Gated(layer, given)
    gates = given.in_gates.detach(), given.out_gates.detach()
    run = torch.export.export(module, (given.x.detach(), *gates)).module()
    (slope,) = torch.autograd.grad(run(given.x, *gates).sum(), given.x, create_graph=True)
    return [slope, *torch.autograd.grad(slope.square().sum(), list(run.parameters())[:1])]


@scenario("`torch.export`, with any batch, saved and loaded")
def exported(layer: Layer, given: Operands) -> list[Tensor]:
    module = Gated(layer, given)
    arguments = given.x.detach(), given.in_gates.detach(), given.out_gates.detach()
    batch = torch.export.Dim("batch", min=2, max=1000)
    made = torch.export.export(module, arguments, dynamic_shapes=({0: batch}, {0: batch}, {0: batch}))
    file = io.BytesIO()
    torch.export.save(made, file)
    file.seek(0)
    run = torch.export.load(file).module()
    other = operands(11).plain
    return [run(*arguments), run(other.x, other.in_gates, other.out_gates)]


@scenario("an exported program on operands that it was not made for")
def exported_misused(layer: Layer, given: Operands) -> list[Tensor]:
    from kernels.autograd import block_linear_operator

    return [block_linear_operator(given.x.bfloat16(), *given[1:], "cpu", "tanh", "open", False)[0]]


@scenario("`make_fx`")
def traced_by_fx(layer: Layer, given: Operands) -> list[Tensor]:
    run = make_fx(layer)(*(torch.zeros_like(tensor) for tensor in given.plain))
    return [run(*given.plain)]


@scenario("`aot_function`")
def traced_ahead(layer: Layer, given: Operands) -> list[Tensor]:
    run = aot_function(lambda *tensors: layer(*tensors), fw_compiler=nop, bw_compiler=nop)
    return derivatives(run(*given), given)


@scenario("`torch.jit.trace`")
def traced(layer: Layer, given: Operands) -> list[Tensor]:
    inputs = tuple(torch.zeros_like(tensor) for tensor in given.plain)
    run = torch.jit.trace(lambda *tensors: layer(*tensors), inputs, check_trace=False)
    return derivatives(run(*given), given)


@scenario("`copy.deepcopy`, `pickle`, `torch.save` of modules")
def copied(layer: Layer, given: Operands) -> list[Tensor]:
    module = Gated(layer, given)
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    copies = [
        copy.deepcopy(module),
        pickle.loads(pickle.dumps(module)),
        torch.load(file, weights_only=False),
    ]
    with torch.no_grad():
        module.weight.zero_()
    return [one(given.x, given.in_gates, given.out_gates).detach() for one in copies]


@scenario("copies of `kernels.cpu.BoundLinear`")
def copied_bound(layer: Layer, given: Operands) -> list[Tensor]:
    from kernels.cpu import BoundLinear

    weight, bias, gates = given.weight.detach().clone(), given.bias.detach().clone(), given.plain[3:]
    bound = BoundLinear(weight, bias, rows=len(given.x), activation="tanh")
    found = [copy.deepcopy(bound), pickle.loads(pickle.dumps(bound))]
    copied_result = found[0](given.x.detach(), *gates).clone()
    # What they were copied from is changed, and freed.
    weight.zero_()
    del bound, weight, bias
    again = [one(given.x.detach(), *gates).clone() for one in found]
    # So that the layer is compared with itself where it is the right one.
    right = layer(*given.plain)
    return [right, *(right + (one - right) for one in (copied_result, *again))]


@scenario("`kernels.cpu.BoundLinear` whose weight was given other memory")
def moved_bound(layer: Layer, given: Operands) -> list[Tensor]:
    from kernels.cpu import BoundLinear

    weight = nn.Parameter(given.weight.detach().clone())
    bound = BoundLinear(weight, None, rows=len(given.x))
    weight.data = weight.data * 2
    return [bound(given.x.detach(), *given.plain[3:])]


@scenario("`weight_norm`, `prune`")
def parametrised(layer: Layer, given: Operands) -> list[Tensor]:
    normed, pruned = Gated(layer, given), Gated(layer, given)
    parametrizations.weight_norm(normed)
    prune.l1_unstructured(pruned, "weight", amount=0.3)
    found: list[Tensor] = []
    for module in (normed, pruned):
        leaves: list[Any] = list(module.parameters())
        found += derivatives(module(given.x, given.in_gates, given.out_gates), leaves)
    assert len(found) == 2 + 3 + 2
    assert found[0].shape == (len(given.x), SHAPE[0] * SHAPE[3])
    return found
