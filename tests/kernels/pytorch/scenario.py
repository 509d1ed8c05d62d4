"""Ways in which PyTorch hands something over to the operation, named as in docs/concepts/pytorch.md."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from tests.kernels.cases import random_case

# From x, weight, bias, input gates and output gates to the result; its activation is tanh.
Layer = Callable[..., Tensor]
SHAPE = (3, 2, 4, 5)
UNITS_IN, UNITS_OUT = SHAPE[1] * SHAPE[2], SHAPE[0] * SHAPE[3]


class Operands(NamedTuple):
    """Leaves that require gradients, in float32; real gates, about half of them closed."""

    x: Tensor
    weight: Tensor
    bias: Tensor
    in_gates: Tensor
    out_gates: Tensor

    @property
    def plain(self) -> "Operands":
        """The same without gradients."""
        return Operands(*(tensor.detach() for tensor in self))


Scenario = Callable[[Layer, Operands], list[Tensor]]
SCENARIOS: dict[str, Scenario] = {}


def scenario(name: str) -> Callable[[Scenario], Scenario]:
    def add(function: Scenario) -> Scenario:
        assert name not in SCENARIOS, name
        SCENARIOS[name] = function
        return function

    return add


def operands(rows: int) -> Operands:
    case = random_case(SHAPE, rows=rows, seed=3).map(lambda tensor: tensor.float().requires_grad_())
    return Operands(**case.tensors())


def derivatives(y: Tensor, leaves: Operands | list[Tensor]) -> list[Tensor]:
    """The result, and the gradients of a function of it that is not linear."""
    return [y, *torch.autograd.grad(y.square().sum(), list(leaves))]


class Gated(nn.Module):
    """A layer that holds its weights."""

    def __init__(self, layer: Layer, given: Operands) -> None:
        super().__init__()
        self.layer = layer
        self.weight = nn.Parameter(given.weight.detach().clone())
        self.bias = nn.Parameter(given.bias.detach().clone())

    def forward(self, x: Tensor, in_gates: Tensor, out_gates: Tensor) -> Tensor:
        return self.layer(x, self.weight, self.bias, in_gates, out_gates)
