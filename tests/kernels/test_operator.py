"""The compiled back ends as a custom operator: checked by PyTorch itself, traced and compiled."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import grad
from torch.utils._python_dispatch import TorchDispatchMode

from kernels import block_linear
from kernels.autograd import block_linear_operator
from tests.kernels.cases import Case, random_case


def narrow_case(**options: Any) -> Case:
    return random_case((3, 2, 16, 8), rows=20, **options).map(lambda tensor: tensor.float().requires_grad_())


@pytest.mark.parametrize("sides", ["none", "out", "both"])
@pytest.mark.parametrize("bias", [True, False])
def test_opcheck(sides, bias):
    case = narrow_case(sides=sides, bias=bias)
    torch.library.opcheck(block_linear_operator, (*vars(case).values(), "cpu", "relu", "open", True))


def test_opcheck_of_exact_gate_gradients():
    case = narrow_case(sides="out")
    torch.library.opcheck(block_linear_operator, (*vars(case).values(), "cpu", "tanh", "exact", True))


@pytest.mark.parametrize("sides", ["none", "out", "both"])
def test_the_operator_gives_what_eager_mode_gives(sides):
    case = narrow_case(sides=sides)
    upstream = torch.randn(20, 24)
    eager = case.run(backend="cpu", activation="relu")
    operator = block_linear_operator(*vars(case).values(), "cpu", "relu", "open", True)[0]
    inputs = list(case.tensors().values())
    assert torch.equal(eager, operator)
    for found, expected in zip(grad(operator, inputs, upstream), grad(eager, inputs, upstream), strict=True):
        assert torch.equal(found, expected)


@pytest.mark.parametrize("backend", ["auto", "cpu"])
def test_who_follows_operations_sees_the_operator_and_changes_no_bit(backend):
    class Names(TorchDispatchMode):
        def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            seen.append(str(function))
            return function(*args, **(kwargs or {}))

    seen: list[str] = []
    case = narrow_case(sides="both")
    leaves = list(case.tensors().values())

    def computed() -> list[Tensor]:
        y = case.run(backend=backend, activation="tanh")
        return [y, *grad(y.sum(), leaves)]

    alone = computed()
    with Names():  # type: ignore[no-untyped-call]
        followed = computed()
    assert all(torch.equal(*pair) for pair in zip(alone, followed, strict=True))
    assert {"gating_studies.block_linear.default", "gating_studies.block_linear_backward.default"} <= {*seen}


def test_only_the_needed_gradients():
    case = narrow_case(sides="both")
    case.x.requires_grad_(False)
    assert case.bias is not None
    case.bias.requires_grad_(False)
    needed = [tensor for tensor in case.tensors().values() if tensor.requires_grad]
    assert len(needed) == 3
    y = block_linear_operator(*vars(case).values(), "cpu", "relu", "open", True)[0]
    expected = grad(case.run(backend="cpu", activation="relu"), needed, torch.ones(20, 24))
    for found, true in zip(grad(y, needed, torch.ones(20, 24)), expected, strict=True):
        assert torch.equal(found, true)


@pytest.mark.parametrize("sides", ["out", "both"])
def test_traced_without_a_break_it_computes_the_same(sides):
    # aot_eager traces forward and backward like the default compiler, but needs no C++ toolchain to run them.
    case = narrow_case(sides=sides)
    inputs = list(case.tensors().values())

    def run(*tensors: Tensor) -> Tensor:
        return block_linear(*tensors, activation="relu")

    compiled = torch.compile(run, backend="aot_eager", fullgraph=True)
    eager = case.run(backend="cpu", activation="relu")
    found = compiled(*vars(case).values())
    assert torch.equal(found, eager)
    for a, b in zip(grad(found.sum(), inputs), grad(eager.sum(), inputs), strict=True):
        assert torch.equal(a, b)


def test_the_reference_goes_through_function_transforms():
    case = random_case((3, 2, 4, 5), rows=6, sides="both")
    assert case.bias is not None
    assert case.in_gates is not None
    assert case.out_gates is not None
    arguments = (case.x, case.weight, case.bias, case.in_gates, case.out_gates)

    def loss(x: Tensor, weight: Tensor, *rest: Tensor) -> Tensor:
        return block_linear(x, weight, *rest, activation="tanh", backend="reference").square().sum()

    leaves = [tensor.clone().requires_grad_() for tensor in arguments]
    expected = grad(loss(*leaves), leaves)
    for found, true in zip(torch.func.grad(loss, argnums=(0, 1, 2, 3, 4))(*arguments), expected, strict=True):
        torch.testing.assert_close(found, true)

    def of_one(x: Tensor, in_gates: Tensor, out_gates: Tensor) -> Tensor:
        gates = in_gates[None], out_gates[None]
        return loss(x[None], *arguments[1:3], *gates)

    per_example = torch.func.vmap(of_one)(case.x, case.in_gates, case.out_gates)
    torch.testing.assert_close(per_example.sum(), loss(*arguments))
