"""A batch as a strategy sees it, without any accounting: for timing what inference itself takes."""

from collections.abc import Callable, Sequence
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from core.errors import InputError
from core.network.blocks import BlockLinear, Gater
from core.network.fully_connected import FullyConnectedNetwork
from core.network.network import GatedNetwork
from core.network.site import LayerSite
from core.strategy import Decide, Decision, Pass, ProtocolError, SinglePass, Strategy, Table
from kernels import activate


def plain_classifier(
    network: GatedNetwork, strategy: Strategy, density: float, generator: torch.Generator, *, masked: bool
) -> Callable[[Tensor], Tensor]:
    """Return a callable that maps ``[B, features]`` to class logits as the strategy infers them.

    Args:
        network: a network without recurrence.
        strategy: that it was trained with.
        density: the target that it is told.
        generator: of gate noise.
        masked: compute every block by dense products and mask what is closed, instead of using the kernels.

    Raises:
        InputError: the network is of another kind than fully connected.
    """
    if not isinstance(network, FullyConnectedNetwork):
        raise InputError(f"network {network.architecture.network} cannot be timed: only fully connected ones are")
    dense = [_dense(cast(BlockLinear, part)) for part in (*network.layers, network.readout)] if masked else []

    @torch.inference_mode()
    def classify(x: Tensor) -> Tensor:
        return strategy.infer(UnaccountedBatch(network, x, generator, density, dense)).output

    return classify


class UnaccountedBatch:
    """A :class:`core.strategy.Batch` that can make single passes only.

    Args:
        network: without recurrence.
        x: ``[B, features]``.
        generator: of gate noise.
        density: the target share of open blocks.
        dense: weight ``[out, in]`` and bias of each layer and of the read-out, to mask; none to use the kernels.
    """

    progress = 1.0

    def __init__(
        self,
        network: FullyConnectedNetwork,
        x: Tensor,
        generator: torch.Generator,
        density: float,
        dense: Sequence[tuple[Tensor, Tensor]],
    ) -> None:
        self.generator = generator
        self.density = density
        self._network = network
        self._x = x
        self._dense = dense

    def __call__(self, decide: Decide, carry: Pass | None = None, samples: int = 1) -> SinglePass:
        """Make one pass; only decisions, hidden and output are filled in."""
        network, hidden = self._network, self._x
        decisions: list[Decision] = []
        mask: Tensor | None = None
        for index, (layer, gater) in enumerate(zip(network.layers, network.gaters, strict=True)):
            decision = decide(LayerSite(index, hidden, cast(Gater, gater)))
            decisions.append(decision)
            if self._dense:
                units = activate(linear(hidden, *self._dense[index]), network.architecture.activation)
                shape = network.architecture.layers[index]
                hidden = (units.unflatten(1, (shape.blocks, shape.size)) * decision.gates[:, :, None]).flatten(1)
            else:
                hidden = layer(hidden, mask, decision.gates, network.architecture.activation)
                mask = decision.gates != 0
        output = linear(hidden, *self._dense[-1]) if self._dense else network.readout(hidden, mask)
        nothing = torch.empty(0)
        return SinglePass(tuple(decisions), hidden, output, (), nothing, nothing, inputs=(), read=())

    def cost_to_go(self, done: SinglePass) -> tuple[Tensor, ...]:
        raise ProtocolError("costs are not for inference")

    def table(self, base: SinglePass, layer: int) -> Table:
        raise ProtocolError("flips are not for inference")

    def flips(self, base: SinglePass, layer: int) -> Tensor:
        raise ProtocolError("flips are not for inference")

    def project(self, done: SinglePass, module: nn.Module, layer: int = -1) -> Tensor:
        raise ProtocolError("projections are not timed without accounting")

    def mix(self, passes: Sequence[Pass], weights: Tensor) -> Pass:
        raise ProtocolError("several passes are not timed without accounting")


def _dense(part: BlockLinear) -> tuple[Tensor, Tensor]:
    """Return weight ``[out, in]`` and bias of the same map."""
    out_blocks, in_blocks, in_size, out_size = part.weight.shape
    weight = part.weight.detach().permute(0, 3, 1, 2).reshape(out_blocks * out_size, in_blocks * in_size)
    assert part.bias is not None
    return weight, part.bias.detach()
