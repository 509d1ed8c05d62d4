"""The shape of a block-gated network, as plain data."""

import re
from dataclasses import dataclass
from typing import Self

from core.errors import InputError
from kernels import Activation

# Seven digits are more than any machine can hold, and few enough for every count to stay a number.
_LAYER = re.compile(r"([1-9][0-9]{0,6})x([1-9][0-9]{0,6})")


@dataclass(frozen=True)
class GatedLayer:
    """A hidden layer of ``blocks`` blocks of ``size`` units each."""

    blocks: int
    size: int

    @property
    def units(self) -> int:
        return self.blocks * self.size


@dataclass(frozen=True)
class Architecture:
    """A fully connected network whose hidden layers are split into blocks; the read-out is not gated."""

    features: int
    layers: tuple[GatedLayer, ...]
    classes: int
    activation: Activation = "relu"

    @classmethod
    def parse(cls, network: str, features: int, classes: int, activation: Activation = "relu") -> Self:
        """Read hidden layers written as blocks x size, from input to output.

        Raises:
            InputError: ``network`` is not of that form.

        >>> Architecture.parse("16x16,8x32", features=784, classes=10).layers
        (GatedLayer(blocks=16, size=16), GatedLayer(blocks=8, size=32))
        """
        matches = [_LAYER.fullmatch(part.strip()) for part in network.split(",")]
        if not all(matches):
            raise InputError(f"network {network!r} is not a list of BLOCKSxSIZE such as 16x16 or 16x64,16x64")
        layers = tuple(GatedLayer(int(match[1]), int(match[2])) for match in matches if match)
        return cls(features, layers, classes, activation)

    @property
    def network(self) -> str:
        """The hidden layers in the form that :meth:`parse` reads."""
        return ",".join(f"{layer.blocks}x{layer.size}" for layer in self.layers)
