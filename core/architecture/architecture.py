"""What the shape of every network says: its gated layers, what it costs, and what strategies may ask of it."""

from abc import ABC, abstractmethod
from collections.abc import Sequence, Set
from dataclasses import dataclass
from typing import ClassVar, Literal, Self, TypeVar

from torch import Tensor

from kernels import Activation

Need = Literal["samples", "flips", "passes"]
Units = TypeVar("Units", float, Tensor)
NEEDS: frozenset[Need] = frozenset({"samples", "flips", "passes"})


@dataclass(frozen=True)
class GatedLayer:
    """A hidden layer of ``blocks`` blocks of ``size`` units each."""

    blocks: int
    size: int

    @property
    def units(self) -> int:
        return self.blocks * self.size


@dataclass(frozen=True)
class Architecture(ABC):
    """A network whose hidden layers are split into blocks; what is predicted is one class for each row.

    Rows are what gates are decided for: examples, or the positions of a sequence.

    Attributes:
        features: of a row of the first gated layer's input.
        layers: that are gated, from input to output.
        classes: how many.
        activation: of the gated layers' units.
        kind: of network, the name of the file that it is in.
        supports: what strategies may need beyond one pass per batch.
    """

    features: int
    layers: tuple[GatedLayer, ...]
    classes: int
    activation: Activation = "relu"

    kind: ClassVar[str]
    supports: ClassVar[frozenset[Need]]

    @staticmethod
    def parse(network: str, features: int, classes: int, activation: Activation = "relu") -> "Architecture":
        """Read a network as a user writes it: ``16x64,16x64``, or ``KIND:...`` in the form of that kind.

        Args:
            network: see there.
            features: of the data.
            classes: likewise.
            activation: of the gated layers' units.

        Raises:
            InputError: there is no such kind, or the text is not of its form.

        >>> Architecture.parse("16x16,8x32", features=784, classes=10).layers
        (GatedLayer(blocks=16, size=16), GatedLayer(blocks=8, size=32))
        """
        # Not at the top, because every kind is made of this class.
        from core.architecture.kinds import split_kind

        kind, shape = split_kind(network)
        return kind.read(shape, features, classes, activation)

    @classmethod
    @abstractmethod
    def read(cls, network: str, features: int, classes: int, activation: Activation) -> Self:
        """Read the text that :attr:`network` writes, or a shorter one.

        Raises:
            InputError: ``network`` is not of that form.
        """

    @property
    @abstractmethod
    def network(self) -> str:
        """The shape as a text, without features and classes, which are the data's."""

    @property
    def short(self) -> str:
        """:attr:`network` without what is so by default, for where there is little room."""
        return self.network

    @property
    def positions(self) -> int:
        """How many rows an example has: 1, or the letters of a sequence, each of which is predicted."""
        return 1

    def lacks(self, needs: Set[Need]) -> str | None:
        """Name what the network does not have of what a strategy needs, ``flips and passes``; None if it has all."""
        return " and ".join(sorted(needs - self.supports)) or None

    @abstractmethod
    def seen(self, layer: int) -> int:
        """Return how many features the input of a gated layer has, from which its gates are decided."""

    @abstractmethod
    def macs(self, open_units: Sequence[Units], *, gaters: bool) -> Units:
        """Return the multiply-adds of one pass for a row.

        Args:
            open_units: of each gated layer: numbers, taken as open independently, or ``[rows]`` tensors.
            gaters: count those that score all blocks too.
        """
