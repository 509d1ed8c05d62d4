"""What every network can do whose blocks a strategy opens and closes."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, cast

import torch
from torch import Tensor, nn

from core.architecture import Architecture
from core.errors import InputError
from core.network.blocks import Gater
from core.strategy import Decide, Pass, ProtocolError, SinglePass, Strategy, Table

if TYPE_CHECKING:
    from kernels.cpu import FusedNetwork

# What declares them runs only where the network has them.
UNDECLARED_PASSES = "a pass is carried on from, but the strategy does not declare that it needs passes"


class GatedNetwork(nn.Module, ABC):
    """A network with a gater for each of its gated layers.

    Attributes:
        architecture: its shape.
        gaters: one per gated layer, from input to output.
        compiles: whether :meth:`for_inference` can make one compiled call of the kind.
    """

    compiles: ClassVar[bool] = False

    architecture: Architecture
    gaters: nn.ModuleList

    def reset(self, generator_for: Callable[[str], torch.Generator], density: float) -> None:
        """Initialise every part from its own generator, so that strategies start from equal parts.

        Args:
            generator_for: gives the generator of a part by its name in the network.
            density: the target share of open blocks, where the gaters' biases start.
        """
        for name, part in self.named_modules():
            if isinstance(part, Gater):
                part.reset(generator_for(name), density)
            elif part is not self and callable(reset := getattr(part, "reset", None)):
                reset(generator_for(name))

    def set_gater_biases(self, value: float) -> None:
        """Let all gaters' biases start from ``value``."""
        with torch.no_grad():
            for gater in self.gaters:
                cast(Gater, gater).bias.fill_(value)

    def centre_scores(self, centred: bool) -> None:
        """Let all gaters use their weights less the mean over blocks, see :class:`core.network.blocks.Gater`."""
        for gater in self.gaters:
            cast(Gater, gater).centred = centred

    @abstractmethod
    def forward(self, x: Tensor, decide: Decide, carry: Pass | None = None) -> SinglePass:
        """Run one pass over ``x``, ``[N, ...]`` as the kind's data has it; the returned pass has no loss.

        Raises:
            ProtocolError: a decision does not fit its site, or ``carry`` is given to a network that cannot carry.
        """

    def cost_to_go(self, own: Tensor) -> tuple[Tensor, ...]:
        """Return for each gated layer the sum of the losses that a row's gates can change, its own and others'.

        Args:
            own: ``[samples, examples, positions]``, the loss of every row.

        Returns:
            Tensors of that shape; layers whose gates change the same losses have the same tensor.
        """
        return (own,) * len(self.architecture.layers)

    def table(self, base: SinglePass, layer: int, labels: Tensor, charge: Callable[[float], None]) -> Table:
        """Return the table of all block contributions of a layer of a pass, see :meth:`core.strategy.Batch.table`.

        Args:
            base: a pass of this network.
            layer: whose gates are varied.
            labels: ``[rows]`` classes.
            charge: is told the multiply-adds of all rows together, as they are spent.

        Raises:
            ProtocolError: the network does not support flips.
        """
        raise ProtocolError(f"network {self.architecture.network} has no flips")

    def for_inference(self, strategy: Strategy, density: float) -> "FusedNetwork":
        """Return a callable that classifies one example at a time, gaters included, in one compiled call on the CPU.

        Args:
            strategy: that the network was trained with; its rule decides.
            density: the target share of open blocks that it is told.

        Raises:
            InputError: the network has no such call, or the strategy's test gates do not follow a rule on the gater's
                scores alone.
            ImportError: numba is not installed.
            BackendError: this machine cannot run compiled kernels.
        """
        raise InputError(f"network {self.architecture.network} has no compiled call: run infer instead")
