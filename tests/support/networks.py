"""Small float64 networks, fixed gates, and the masked dense formula of the paper, for the tests of core."""

from typing import cast

import torch
from torch import Tensor

from core.architecture import Architecture
from core.network.blocks import BlockLinear
from core.network.fully_connected import FullyConnectedNetwork
from core.strategy import Decide, Decision, Site
from core.training.batch import CountedBatch
from kernels import Activation, GateGrad

FEATURES, CLASSES = 5, 3


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def normal(*size: int, seed: int = 0) -> Tensor:
    return torch.randn(size, generator=seeded(seed), dtype=torch.float64)


def network_of(
    layers: str, *, activation: Activation = "tanh", recurrent: bool = False, density: float = 0.5, seed: int = 0
) -> FullyConnectedNetwork:
    """Reset as in training, but with biases that are not zero."""
    network = FullyConnectedNetwork(
        Architecture.parse(layers, FEATURES, CLASSES, activation), recurrent=recurrent
    ).double()
    generator = seeded(seed)
    network.reset(lambda part: generator, density)
    with torch.no_grad():
        for part in network.modules():
            if isinstance(part, BlockLinear) and part.bias is not None:
                part.bias.normal_(generator=generator)
    return network


def random_gates(network: FullyConnectedNetwork, rows: int, *, kind: str = "binary", seed: int = 0) -> list[Tensor]:
    """Half of the gates closed; ``kind`` is binary or real."""
    generator = seeded(seed)
    found = []
    for layer in network.architecture.layers:
        is_open = torch.rand(rows, layer.blocks, generator=generator, dtype=torch.float64) < 0.5
        size = torch.rand(rows, layer.blocks, generator=generator, dtype=torch.float64) + 0.3
        found.append(torch.where(is_open, size if kind == "real" else torch.ones_like(size), 0.0))
    return found


def fixed(gates: list[Tensor], gate_grad: GateGrad = "open", *, score: str = "") -> Decide:
    """Decide for these gates, layer by layer; ``score`` names the property of the site to ask for first."""

    def decide(site: Site) -> Decision:
        if score:
            getattr(site, score)
        return Decision(gates[site.index], gate_grad=gate_grad)

    return decide


def batch_of(
    network: FullyConnectedNetwork, x: Tensor, labels: Tensor | None = None, *, seed: int = 0, fallback: bool = False
) -> CountedBatch:
    return CountedBatch(network, x, labels, seeded(seed), density=0.5, fallback=fallback)


def dense_matrix(layer: BlockLinear) -> Tensor:
    """``[in, out]``: the tiles laid side by side."""
    weight = layer.weight
    return torch.cat([torch.cat(list(tiles), dim=0) for tiles in weight], dim=1)


def masked_dense(
    network: FullyConnectedNetwork, x: Tensor, gates: list[Tensor], state: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The last hidden layer and the logits of ``h_l = f(W_l h_{l-1} + b_l) * g_l``, every block computed."""
    function = {"relu": torch.relu, "tanh": torch.tanh}[network.architecture.activation]
    hidden = x
    for index, (part, mask) in enumerate(zip(network.layers, gates, strict=True)):
        layer = cast(BlockLinear, part)
        assert layer.bias is not None
        z = hidden @ dense_matrix(layer) + layer.bias
        if index == 0 and state is not None:
            assert network.recurrence is not None
            z = z + state @ dense_matrix(network.recurrence)
        hidden = function(z) * mask.repeat_interleave(z.shape[1] // mask.shape[1], dim=1)
    assert network.readout.bias is not None
    return hidden, hidden @ dense_matrix(network.readout) + network.readout.bias
