"""A decoder-only transformer whose feed-forward layers are gated: ``transformer:layers=2,blocks=16x48``."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self, cast, final

import torch
from torch import Tensor

from core.architecture.architecture import Architecture, GatedLayer, Need, Units
from core.architecture.fully_connected import LAYER
from core.errors import InputError, unknown
from kernels import Activation

_DEFAULTS = {"layers": "2", "width": "96", "heads": "4", "context": "64", "blocks": "16x48"}
# A layer of a kilometre's depth, or a context of a book, is a slip of the hand.
_MOST = {"layers": 64, "width": 16384, "heads": 256, "context": 1024}


@final
@dataclass(frozen=True)
class Transformer(Architecture):
    """Causal attention and a gated feed-forward layer in turns, on letters; every position predicts the next letter.

    Attributes:
        heads: of each attention.
        context: letters of a sequence.

    ``features``, the width of the network, is what every gated layer sees.
    """

    heads: int = 4
    context: int = 64

    kind: ClassVar[str] = "transformer"
    # A flip of one gate changes later positions too, and a pass over a layer has no state to carry.
    supports: ClassVar[frozenset[Need]] = frozenset({"samples"})

    @classmethod
    def read(cls, network: str, features: int, classes: int, activation: Activation = "relu") -> Self:
        """Read ``layers=2,width=96,heads=4,context=64,blocks=16x48`` or any part of it; the rest are these defaults.

        Raises:
            InputError: ``network`` is not of that form, or the width is no multiple of the heads.
        """
        written = dict(_DEFAULTS)
        for part in filter(None, network.split(",")):
            name, equals, value = (each.strip() for each in part.partition("="))
            if name not in _DEFAULTS or not equals:
                raise unknown("part of network 'transformer'", name, list(_DEFAULTS))
            written[name] = value
        numbers = {name: _number(name, written[name], most) for name, most in _MOST.items()}
        match = LAYER.fullmatch(written["blocks"])
        if not match:
            raise InputError(f"network 'transformer': blocks={written['blocks']} is not BLOCKSxSIZE such as 16x48")
        width, heads = numbers["width"], numbers["heads"]
        if width % heads:
            raise InputError(f"network 'transformer': width={width} is no multiple of heads={heads}")
        if numbers["context"] < 2:
            raise InputError("network 'transformer': context=1 has no letters before the last, expected 2 or more")
        layers = (GatedLayer(int(match[1]), int(match[2])),) * numbers["layers"]
        return cls(width, layers, classes, activation, heads, numbers["context"])

    @property
    def network(self) -> str:
        return f"transformer:{','.join(f'{name}={value}' for name, value in self._parts().items())}"

    @property
    def short(self) -> str:
        others = (f"{name}={value}" for name, value in self._parts().items() if value != _DEFAULTS[name])
        return f"transformer:{','.join(others)}"

    def _parts(self) -> dict[str, str]:
        shape = self.layers[0]
        values = len(self.layers), self.features, self.heads, self.context, f"{shape.blocks}x{shape.size}"
        return dict(zip(_DEFAULTS, map(str, values), strict=True))

    @property
    def positions(self) -> int:
        return self.context

    def seen(self, layer: int) -> int:
        return self.features

    def attention_macs(self) -> Tensor:
        """Return ``[context]`` float64: the multiply-adds of one attention at each position.

        Four products of the width, for queries, keys, values and the output; and with each of the positions up to this
        one a product of queries and keys and one of weights and values.
        """
        earlier = torch.arange(1, self.context + 1, dtype=torch.float64)
        return 4.0 * self.features**2 + 2.0 * self.features * earlier

    def macs(self, open_units: Sequence[Units], *, gaters: bool) -> Units:
        attention = len(self.layers) * self.attention_macs()
        first = open_units[0]
        fixed = attention.repeat(len(first) // self.context) if isinstance(first, Tensor) else float(attention.mean())
        total: float | Tensor = fixed + self.features * self.classes
        for layer, needed in zip(self.layers, open_units, strict=True):
            total = total + self.features * (2 * needed + (layer.blocks if gaters else 0))
        return cast(Units, total)


def _number(name: str, value: str, most: int) -> int:
    number = int(value) if value.isdecimal() and len(value) <= len(str(most)) else 0
    if not 1 <= number <= most:
        raise InputError(f"network 'transformer': {name}={value} is not a whole number in 1..{most}")
    return number
