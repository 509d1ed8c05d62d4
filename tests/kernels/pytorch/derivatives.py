"""Derivatives: every way to ask for them, and what may lie between the two passes."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import forward_ad, functional
from torch.autograd.graph import save_on_cpu, saved_tensors_hooks
from torch.utils.checkpoint import checkpoint

from tests.kernels.pytorch.scenario import UNITS_OUT, Gated, Layer, Operands, derivatives, scenario


@scenario("gradients: `backward()`, `torch.autograd.grad`")
def gradients(layer: Layer, given: Operands) -> list[Tensor]:
    layer(*given).square().sum().backward()
    found = [tensor.grad for tensor in given if tensor.grad is not None]
    assert len(found) == 5
    return found


@scenario("gradients of some operands")
def some_gradients(layer: Layer, given: Operands) -> list[Tensor]:
    found: list[Tensor] = []
    for wanted in range(5):
        arguments = list(given.plain)
        arguments[wanted].requires_grad_()
        found += derivatives(layer(*arguments), [arguments[wanted]])
    return found


@scenario("backward twice: `retain_graph=True`, accumulated gradients")
def backward_twice(layer: Layer, given: Operands) -> list[Tensor]:
    loss = layer(*given).square().sum()
    loss.backward(retain_graph=True)
    loss.backward()
    return [tensor.grad for tensor in given if tensor.grad is not None]


@scenario("gradients of gradients: `create_graph=True`, gradient penalties")
def gradient_penalty(layer: Layer, given: Operands) -> list[Tensor]:
    y = layer(*given)
    # Linear in the result: what comes back needs no gradient itself.
    (slope,) = torch.autograd.grad(y.sum(), given.x, create_graph=True)
    assert slope.requires_grad
    loss = y.square().mean() + 10 * slope.square().sum()
    return [slope, *torch.autograd.grad(loss, list(given))]


@scenario("`torch.autograd.functional.hessian`, `jvp`, `vhp`")
def functional_derivatives(layer: Layer, given: Operands) -> list[Tensor]:
    _, weight, *rest = given.plain

    def loss(x: Tensor) -> Tensor:
        return layer(x, weight, *rest).square().sum()

    x = given.x.detach()
    found: list[Any] = [functional.hessian(loss, x), functional.jvp(loss, x, x)[1], functional.vhp(loss, x, x)[1]]
    return found


@scenario("several gradients at once: `is_grads_batched=True`")
def batched_gradients(layer: Layer, given: Operands) -> list[Tensor]:
    y = layer(*given)
    several = torch.randn(3, *y.shape, generator=torch.Generator().manual_seed(0)).to(y.dtype)
    return list(torch.autograd.grad(y, list(given), several, is_grads_batched=True))


@scenario("forward mode: `torch.autograd.forward_ad`")
def forward_mode(layer: Layer, given: Operands) -> list[Tensor]:
    with forward_ad.dual_level():
        duals = [forward_ad.make_dual(tensor, torch.ones_like(tensor)) for tensor in given.plain]
        y, tangent = forward_ad.unpack_dual(layer(*duals))
        assert tangent is not None
        return [y, tangent]


@scenario("forward mode over a backward pass")
def forward_over_backward(layer: Layer, given: Operands) -> list[Tensor]:
    loss = layer(*given).square().sum()
    with forward_ad.dual_level():
        direction = forward_ad.make_dual(torch.ones_like(loss), torch.ones_like(loss))
        found = torch.autograd.grad(loss, list(given), direction)
        tangents = [forward_ad.unpack_dual(gradient).tangent for gradient in found]
        return [tangent for tangent in tangents if tangent is not None]


@scenario("`torch.func`: `grad`, `vjp`, `jvp`, `jacrev`, `jacfwd`, `hessian`")
def function_transforms(layer: Layer, given: Operands) -> list[Tensor]:
    x, *rest = given.plain

    def loss(x: Tensor) -> Tensor:
        return layer(x, *rest).square().sum()

    pulled = torch.func.grad(lambda x: torch.func.vjp(loss, x)[0])(x)
    pushed = torch.func.jvp(loss, (x,), (x,))[1]
    transforms: list[Any] = [torch.func.grad(loss), torch.func.jacrev(loss), torch.func.jacfwd(loss)]
    return [pulled, pushed, *(transform(x) for transform in transforms), torch.func.hessian(loss)(x)]


@scenario("`torch.func.vmap`, gradients per example")
def per_example(layer: Layer, given: Operands) -> list[Tensor]:
    x, weight, bias, in_gates, out_gates = given.plain

    def loss(weight: Tensor, x: Tensor, in_gates: Tensor, out_gates: Tensor) -> Tensor:
        return layer(x[None], weight, bias, in_gates[None], out_gates[None]).square().sum()

    in_dims = (None, 0, 0, 0)
    values = torch.func.vmap(loss, in_dims)(weight, x, in_gates, out_gates)
    return [values, torch.func.vmap(torch.func.grad(loss), in_dims)(weight, x, in_gates, out_gates)]


@scenario("ensembles: `vmap` over weights")
def ensemble(layer: Layer, given: Operands) -> list[Tensor]:
    x, weight, bias, *gates = given.plain
    weights, biases = torch.stack([weight, 2 * weight]), torch.stack([bias, bias + 1])
    return [torch.func.vmap(layer, (None, 0, 0, None, None))(x, weights, biases, *gates)]


@scenario("`torch.func.functional_call`")
def functional_call(layer: Layer, given: Operands) -> list[Tensor]:
    other = {"weight": given.weight * 2, "bias": given.bias + 1}
    y = torch.func.functional_call(Gated(layer, given), other, (given.x, given.in_gates, given.out_gates))
    return derivatives(y, given)


@scenario("`torch.utils.checkpoint`, with and without `use_reentrant`")
def checkpointed(layer: Layer, given: Operands) -> list[Tensor]:
    found: list[Tensor] = []
    for reentrant in (True, False):
        y = checkpoint(layer, *given, use_reentrant=reentrant)
        found += derivatives(y, given) if not reentrant else [y, *_backward(y, given)]
    return found


def _backward(y: Tensor, given: Operands) -> list[Tensor]:
    y.square().sum().backward()
    found = [tensor.grad for tensor in given if tensor.grad is not None]
    for tensor in given:
        tensor.grad = None
    return found


@scenario("hooks on saved tensors: `save_on_cpu`")
def saved_on_cpu(layer: Layer, given: Operands) -> list[Tensor]:
    with save_on_cpu():
        y = layer(*given)
    return derivatives(y, given)


@scenario("hooks on saved tensors that hand back another dtype or layout")
def saved_otherwise(layer: Layer, given: Operands) -> list[Tensor]:
    found: list[Tensor] = []
    packs: list[Any] = [
        lambda tensor: tensor.double() if tensor.is_floating_point() else tensor,
        lambda tensor: tensor.mT.contiguous().mT if tensor.dim() > 1 else tensor,
    ]
    for pack in packs:
        with saved_tensors_hooks(pack, lambda packed: packed):
            y = layer(*given)
        found += derivatives(y, given)
    return found


@scenario("sparse gradients of the result: `embedding(..., sparse=True)`")
def sparse_gradient(layer: Layer, given: Operands) -> list[Tensor]:
    y = layer(*given)
    # The reference could not go on from there.
    sparse = y.dtype is torch.float32
    picked = torch.nn.functional.embedding(torch.tensor([1, 0, 1]), y, sparse=sparse)
    return [picked, *torch.autograd.grad(picked.square().sum(), list(given))]


@scenario("hooks that change gradients, their layout too")
def changed_gradients(layer: Layer, given: Operands) -> list[Tensor]:
    changes: list[Any] = [
        lambda grad: grad * 2,
        lambda grad: grad.mT.contiguous().mT,
        lambda grad: grad[:1].expand(grad.shape),
        lambda grad: torch.complex(torch.zeros_like(grad), -grad).conj().imag,
    ]
    found: list[Tensor] = []
    for change in changes:
        y = layer(*given)
        y.register_hook(change)
        found += derivatives(y, given)[1:]
    return found


@scenario("a hook that changes the dtype of a gradient")
def cast_gradient(layer: Layer, given: Operands) -> list[Tensor]:
    y = layer(*given)
    y.register_hook(lambda grad: grad.to(torch.bfloat16))
    return derivatives(y, given)


@scenario("a hook that changes the shape of a gradient")
def reshaped_gradient(layer: Layer, given: Operands) -> list[Tensor]:
    y = layer(*given)
    y.register_hook(lambda grad: grad[:, :-1])
    return derivatives(y, given)


@scenario("an operand changed in place between the passes")
def changed_between(layer: Layer, given: Operands) -> list[Tensor]:
    y = layer(*given)
    with torch.no_grad():
        given.weight.mul_(2)
    return derivatives(y, given)


@scenario("the result changed in place between the passes")
def result_changed(layer: Layer, given: Operands) -> list[Tensor]:
    y = layer(*given)
    y.mul_(2)
    return derivatives(y, given)


@scenario("`torch.no_grad`, `torch.inference_mode`")
def without_gradients(layer: Layer, given: Operands) -> list[Tensor]:
    with torch.no_grad():
        first = layer(*given)
    assert not first.requires_grad
    with torch.inference_mode():
        return [first, layer(*given), layer(given.x * 2, *given[1:])]


@scenario("training on a tensor that was made in inference mode")
def inference_tensor(layer: Layer, given: Operands) -> list[Tensor]:
    with torch.inference_mode():
        x = given.x * 2
    return derivatives(layer(x, *given[1:]), list(given[1:]))


@scenario("`torch.autograd.set_detect_anomaly`")
def anomalies_watched(layer: Layer, given: Operands) -> list[Tensor]:
    with torch.autograd.detect_anomaly(check_nan=True):
        return derivatives(layer(*given), given)


@scenario("`torch.use_deterministic_algorithms`")
def deterministic(layer: Layer, given: Operands) -> list[Tensor]:
    torch.use_deterministic_algorithms(True)
    try:
        return derivatives(layer(*given), given)
    finally:
        torch.use_deterministic_algorithms(False)


@scenario("an operand in several places: shared gates, `x` as its own gate")
def shared_operands(layer: Layer, given: Operands) -> list[Tensor]:
    x, weight, bias, gates = given.x, given.weight[:2], given.bias[: 2 * 5], given.in_gates
    seen = layer(x, weight, bias, gates, gates)
    own = layer(x, weight, bias, x[:, :2], x[:, 4:6])
    (slope,) = torch.autograd.grad(layer(x, weight, bias, gates, gates).sum(), gates, create_graph=True)
    leaves = [given.x, given.weight, given.bias, given.in_gates]
    return [*derivatives(seen, leaves), *derivatives(own, leaves[:3]), *derivatives(slope, leaves)]


@scenario("optimizers, `clip_grad_norm_`, weights set to new memory by `.data`")
def training_step(layer: Layer, given: Operands) -> list[Tensor]:
    module = Gated(layer, given)
    optimizer = torch.optim.AdamW(module.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        y = module(given.x, given.in_gates, given.out_gates)
        (y - torch.ones(UNITS_OUT)).square().mean().backward()
        torch.nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        vector = torch.nn.utils.parameters_to_vector(module.parameters())
        torch.nn.utils.vector_to_parameters(vector * 0.9, module.parameters())
    return [parameter.detach() for parameter in module.parameters()]
