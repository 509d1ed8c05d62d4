"""Models as users write them, in double precision, with the pairs that are gated; and a strategy that is told."""

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import silu

from core.modules import GatedModule, gate
from core.parts.unlearned import UnlearnedStrategy
from core.strategy import Batch, Decide, Decision, Family, Site
from kernels import GateGrad
from tests.support.networks import seeded


class Scripted(UnlearnedStrategy):
    """Decides as it is told."""

    source: ClassVar[str] = "control"
    family: ClassVar[Family] = "control"
    script: Decide

    def decide(self, batch: Batch) -> Decide:
        return self.script


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution, norm, two pointwise linear layers on channels last, layer scale (Liu et al. 2022)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 3, padding=1, groups=channels)
        self.norm = nn.LayerNorm(channels)
        self.pwconv1 = nn.Linear(channels, 4 * channels)
        self.act = nn.GELU()
        self.pwconv2 = nn.Linear(4 * channels, channels)
        self.gamma = nn.Parameter(torch.full((channels,), 0.5))

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[N, channels, height, width]`` to the same shape."""
        seen = self.norm(self.depthwise(x).permute(0, 2, 3, 1))
        added: Tensor = self.gamma * self.pwconv2(self.act(self.pwconv1(seen)))
        return x + added.permute(0, 3, 1, 2)


class SwiGLU(nn.Module):
    """A gated linear unit of its own kind (Shazeer 2020), on normalised input, with a residual."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.gate_proj, self.up_proj = (nn.Linear(width, hidden, bias=False) for _ in range(2))
        self.down_proj = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[N, ..., width]`` to the same shape."""
        seen = self.norm(x)
        added: Tensor = self.down_proj(silu(self.gate_proj(seen)) * self.up_proj(seen))
        return x + added


class Mixed(nn.Module):
    """Two residual pairs on two positions that read each other in between; the second may see their mean alone."""

    def __init__(self, *, pooled: bool) -> None:
        super().__init__()
        self.pooled = pooled
        self.up, self.down = nn.Linear(3, 4), nn.Linear(4, 3)
        self.mix = nn.Linear(2, 2)
        self.up2, self.down2 = nn.Linear(3, 4), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[N, 2, 3]`` to ``[N, 3]``."""
        x = x + self.down(self.up(x).tanh())
        x = self.mix(x.transpose(1, 2)).transpose(1, 2)
        if self.pooled:
            x = x.mean(dim=1)
        x = x + self.down2(self.up2(x).cos())
        return x if self.pooled else x.mean(dim=1)


def mlp() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(6, 16),
        nn.Tanh(),
        nn.Linear(16, 8, bias=False),
        nn.ReLU(inplace=True),
        nn.Linear(8, 12),
        nn.ReLU(inplace=True),
        nn.Linear(12, 3),
    )


def encoder_layer(dropout: float = 0.0) -> nn.TransformerEncoderLayer:
    return nn.TransformerEncoderLayer(8, 2, 16, dropout, activation="gelu", batch_first=True)


def convnext_block() -> ConvNeXtBlock:
    return ConvNeXtBlock(4)


# A model, its pairs, the shape of an example.
Pairs = dict[str | tuple[str, ...], str]
MODELS: dict[str, tuple[Callable[[], nn.Module], Pairs, tuple[int, ...]]] = {
    "mlp": (mlp, {"0": "2", "4": "6"}, (6,)),
    "encoder_layer": (encoder_layer, {"linear1": "linear2"}, (5, 8)),
    "convnext_block": (convnext_block, {"pwconv1": "pwconv2"}, (4, 3, 3)),
    "swiglu": (lambda: SwiGLU(6, 8), {("gate_proj", "up_proj"): "down_proj"}, (3, 6)),
    "mixed": (lambda: Mixed(pooled=False), {"up": "down", "up2": "down2"}, (2, 3)),
    "pooled": (lambda: Mixed(pooled=True), {"up": "down", "up2": "down2"}, (2, 3)),
}


def model_of(name: str, seed: int = 0) -> nn.Module:
    """A model in double precision whose parameters are all random."""
    model = MODELS[name][0]().double()
    generator = seeded(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.0, 0.6, generator=generator)
    return model


def examples_of(name: str, number: int = 4, seed: int = 1) -> Tensor:
    return torch.randn(number, *MODELS[name][2], generator=seeded(seed), dtype=torch.float64)


def scripted(name: str, script: Decide, blocks: int = 4) -> GatedModule:
    """A gated model that decides by a callback."""
    gated = gate(model_of(name), MODELS[name][1], strategy=Scripted, blocks=blocks, density=0.5)
    assert isinstance(gated.strategy, Scripted)
    gated.strategy.script = script
    return gated


def squares(model: nn.Module, x: Tensor) -> Tensor:
    """Losses of examples."""
    found: Tensor = model(x)
    return found.square().flatten(1).mean(dim=1)


def fixed(gates: list[Tensor], gate_grad: GateGrad = "open") -> Decide:
    """Decide for these gates ``[rows, blocks]``, pair by pair."""

    def decide(site: Site) -> Decision:
        return Decision(gates[site.index], gate_grad=gate_grad)

    return decide


def random_gates(rows: list[int], blocks: int = 4, seed: int = 2) -> list[Tensor]:
    """Half of them closed, the others above 0."""
    generator = seeded(seed)
    found = []
    for number in rows:
        size = torch.rand(number, blocks, generator=generator, dtype=torch.float64) + 0.3
        is_open = torch.rand(number, blocks, generator=generator, dtype=torch.float64) < 0.5
        found.append(torch.where(is_open, size, 0.0))
    return found


def rows_of(name: str, examples: int) -> list[int]:
    """How many rows each pair has."""
    positions = {"mlp": [1, 1], "encoder_layer": [5], "convnext_block": [9], "swiglu": [3]}
    of_mixed = {"mixed": [2, 2], "pooled": [2, 1]}
    return [examples * each for each in (positions | of_mixed)[name]]
