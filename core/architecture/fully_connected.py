"""Fully connected layers, one after another: ``16x64,16x64``."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self, cast, final

from torch import Tensor

from core.architecture.architecture import NEEDS, Architecture, GatedLayer, Need, Units
from core.errors import InputError
from kernels import Activation

# Seven digits are more than any machine can hold, and few enough for every count to stay a number.
LAYER = re.compile(r"([1-9][0-9]{0,6})x([1-9][0-9]{0,6})")


@final
@dataclass(frozen=True)
class FullyConnected(Architecture):
    """Every hidden layer reads the gated one before it, the first one the data; the read-out is not gated."""

    kind: ClassVar[str] = "fully_connected"
    supports: ClassVar[frozenset[Need]] = NEEDS

    @classmethod
    def read(cls, network: str, features: int, classes: int, activation: Activation = "relu") -> Self:
        """Read hidden layers written as blocks x size, from input to output.

        Raises:
            InputError: ``network`` is not of that form.
        """
        matches = [LAYER.fullmatch(part.strip()) for part in network.split(",")]
        if not all(matches):
            raise InputError(f"network {network!r} is not a list of BLOCKSxSIZE such as 16x16 or 16x64,16x64")
        layers = tuple(GatedLayer(int(match[1]), int(match[2])) for match in matches if match)
        return cls(features, layers, classes, activation)

    @property
    def network(self) -> str:
        return ",".join(f"{layer.blocks}x{layer.size}" for layer in self.layers)

    def seen(self, layer: int) -> int:
        return self.features if layer == 0 else self.layers[layer - 1].units

    def macs(self, open_units: Sequence[Units], *, gaters: bool) -> Units:
        total: float | Tensor = 0.0
        read: float | Tensor = float(self.features)
        for layer, needed in zip(self.layers, open_units, strict=True):
            total = total + read * (needed + layer.blocks if gaters else needed)
            read = needed
        return cast(Units, total + read * self.classes)
