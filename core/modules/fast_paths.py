"""PyTorch's fast paths in evaluation, which read the weights of linear layers past the layers themselves."""

from dataclasses import dataclass
from typing import Any

from torch import nn

from core.modules.linears import GatedLinear


@dataclass(frozen=True)
class FastPath:
    """An attribute that allows a fast path.

    Attributes:
        module: its name in the model.
        attribute: of that module.
        value: before the path was closed.
    """

    module: str
    attribute: str
    value: Any


def close_fast_paths(model: nn.Module) -> tuple[FastPath, ...]:
    """Let encoder layers call their gated linear layers in evaluation too, and return what allowed them not to.

    An ``nn.TransformerEncoderLayer`` whose activation is said to be neither ReLU nor GELU takes no fast path; an
    ``nn.TransformerEncoder`` may not hand it nested tensors either.
    """
    closed: list[FastPath] = []
    for name, module in model.named_modules():
        if isinstance(module, nn.TransformerEncoderLayer) and _is_gated(module):
            closed.append(FastPath(name, "activation_relu_or_gelu", module.activation_relu_or_gelu))
            module.activation_relu_or_gelu = 0
        elif isinstance(module, nn.TransformerEncoder) and any(_is_gated(layer) for layer in module.layers):
            closed.append(FastPath(name, "use_nested_tensor", module.use_nested_tensor))
            module.use_nested_tensor = False
    return tuple(closed)


def open_fast_paths(model: nn.Module, closed: tuple[FastPath, ...]) -> None:
    """Allow fast paths again."""
    for path in closed:
        setattr(model.get_submodule(path.module), path.attribute, path.value)


def _is_gated(layer: nn.Module) -> bool:
    return any(isinstance(part, GatedLinear) for part in layer.modules())
