"""The shape of a module with gated pairs, as strategies see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self, cast, final

from torch import Tensor

from core.architecture import Architecture, GatedLayer, Need
from core.architecture.architecture import Units
from core.errors import InputError
from core.strategy import ProtocolError
from kernels import Activation


@dataclass(frozen=True)
class Pair:
    """Two linear layers with blocks of hidden units between them: ``W_2 (f(W_1 x + b_1) * g) + b_2``.

    In a gated linear unit (Dauphin et al. 2017) hidden units are made of what several first layers give.

    Attributes:
        first: its name in the model.
        second: likewise.
        features: of the first one's input.
        blocks: of hidden units.
        size: units of a block.
        outputs: of the second one.
        beside: further first layers, of the same features and units, under the same gates.
    """

    first: str
    second: str
    features: int
    blocks: int
    size: int
    outputs: int
    beside: tuple[str, ...] = ()

    @property
    def units(self) -> int:
        """How many hidden units there are."""
        return self.blocks * self.size

    @property
    def firsts(self) -> tuple[str, ...]:
        """All first layers."""
        return (self.first, *self.beside)

    def macs(self, needed: Units) -> Units:
        """Return the multiply-adds of a row with so many open units, without a gater."""
        return (len(self.firsts) * self.features + self.outputs) * needed


@final
@dataclass(frozen=True)
class ModuleArchitecture(Architecture):
    """Pairs of linear layers, in the order in which a module runs them, and whatever it does around them.

    Rows are the positions of a pair's input, which pairs may have different numbers of. What the module predicts is
    its own business, so that there are no ``classes``.

    Attributes:
        pairs: from input to output, one for each of ``layers``.

    >>> shape = ModuleArchitecture.of([Pair("linear1", "linear2", features=8, blocks=4, size=2, outputs=8)])
    >>> shape.network, shape.layers, shape.seen(0)
    ('module:linear1+linear2=4x2', (GatedLayer(blocks=4, size=2),), 8)

    Two blocks of two units, and four scores of eight features:

    >>> shape.macs([4.0], gaters=True)
    96.0
    """

    pairs: tuple[Pair, ...] = ()

    kind: ClassVar[str] = "module"
    # A flip changes whatever the module makes of it, and a pass over a module has no state to carry.
    supports: ClassVar[frozenset[Need]] = frozenset({"samples"})

    @classmethod
    def of(cls, pairs: Sequence[Pair]) -> Self:
        """Return the shape of a module with these pairs, at least one."""
        layers = tuple(GatedLayer(pair.blocks, pair.size) for pair in pairs)
        return cls(pairs[0].features, layers, classes=0, pairs=tuple(pairs))

    @classmethod
    def read(cls, network: str, features: int, classes: int, activation: Activation) -> Self:
        raise InputError("a module of your own is not written as a text: core.modules.gate makes its gates")

    @property
    def network(self) -> str:
        named = (f"{'+'.join((*pair.firsts, pair.second))}={pair.blocks}x{pair.size}" for pair in self.pairs)
        return f"module:{','.join(named)}"

    @property
    def positions(self) -> int:
        raise ProtocolError("pairs of a module have positions of their own, which are those of their inputs")

    def seen(self, layer: int) -> int:
        return self.pairs[layer].features

    def macs(self, open_units: Sequence[Units], *, gaters: bool) -> Units:
        """Return the multiply-adds of one row of each pair, without the rest of the module."""
        total: float | Tensor = 0.0
        for pair, needed in zip(self.pairs, open_units, strict=True):
            total = total + pair.macs(needed) + (pair.features * pair.blocks if gaters else 0)
        return cast(Units, total)
