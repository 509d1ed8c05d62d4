"""Dense layers by oneDNN, which torch carries for its compiler, beside the library that ``nn.Linear`` calls.

MKL makes 56 billion multiply-adds per second on a core of an AMD EPYC (Zen 5) with AVX-512, where oneDNN makes 128.
What gates are compared with is the faster of the two.
"""

from collections.abc import Callable, Mapping
from typing import Literal

import torch
from torch import Tensor, nn

Activation = Literal["none", "relu", "tanh"]

# How a dense layer is computed: by what ``nn.Linear`` calls, or as here.
EAGER = "eager"
ONE_DNN = "oneDNN"

_ACTIVATIONS: Mapping[type[nn.Module], Activation] = {nn.ReLU: "relu", nn.Tanh: "tanh"}


def available() -> bool:
    """Whether this build of torch has it, with the operations that its compiler calls."""
    return torch.backends.mkldnn.is_available() and all(
        hasattr(torch.ops.mkldnn, name) for name in ("_reorder_linear_weight", "_linear_pointwise")
    )


def packed_linear(
    weight: Tensor, bias: Tensor, rows: int, activation: Activation = "none"
) -> Callable[[Tensor], Tensor]:
    """Return a linear layer whose weights lie in oneDNN's order, with its activation fused; it has no gradients.

    Args:
        weight: ``[outputs, inputs]`` float32.
        bias: ``[outputs]``.
        rows: how many most calls have, for which the order is best.
        activation: applied to the outputs.
    """
    operations = torch.ops.mkldnn
    packed = operations._reorder_linear_weight(weight.detach(), rows)
    bias = bias.detach()

    def call(x: Tensor) -> Tensor:
        found: Tensor = operations._linear_pointwise(x, packed, bias, activation, [], "")
        return found

    return call


def packed_network(network: nn.Sequential, rows: int) -> Callable[[Tensor], Tensor]:
    """Return a network of linear layers and activations in the same way.

    >>> network = nn.Sequential(nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 2))
    >>> x = torch.ones(5, 4)
    >>> not available() or torch.allclose(packed_network(network, rows=5)(x), network(x), atol=1e-6)
    True
    """
    layers = []
    parts = list(network)
    for part, after in zip(parts, [*parts[1:], nn.Identity()], strict=True):
        if isinstance(part, nn.Linear):
            layers.append(packed_linear(part.weight, part.bias, rows, _ACTIVATIONS.get(type(after), "none")))

    def call(x: Tensor) -> Tensor:
        for layer in layers:
            x = layer(x)
        return x

    return call
