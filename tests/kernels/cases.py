"""Random arguments of the operation."""

from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from kernels import block_linear

Sides = Literal["none", "in", "out", "both"]


@dataclass(frozen=True)
class Case:
    x: Tensor
    weight: Tensor
    bias: Tensor | None
    in_gates: Tensor | None
    out_gates: Tensor | None

    def tensors(self) -> dict[str, Tensor]:
        """Those that are not None."""
        return {name: tensor for name, tensor in vars(self).items() if tensor is not None}

    def map(self, function: Any) -> "Case":
        return replace(self, **{name: function(tensor) for name, tensor in self.tensors().items()})

    def run(self, **options: Any) -> Tensor:
        return block_linear(**vars(self), **{"backend": "reference", **options})


def random_gates(rows: int, blocks: int, density: float, kind: str, generator: torch.Generator) -> Tensor:
    """``kind`` is binary or real; real gates may be negative."""
    is_open = torch.rand(rows, blocks, generator=generator, dtype=torch.float64) < density
    size = torch.ones(rows, blocks, dtype=torch.float64)
    if kind == "real":
        size = size.uniform_(0.2, 1.5, generator=generator)
        size = size * (1 - 2 * torch.bernoulli(torch.full_like(size, 0.3), generator=generator))
    return torch.where(is_open, size, 0.0)


def random_case(
    shape: tuple[int, ...],
    *,
    rows: int = 3,
    density: float = 0.5,
    kind: str = "real",
    sides: Sides = "both",
    bias: bool = True,
    seed: int = 0,
) -> Case:
    """``shape`` is [n_out, n_in, in_size, out_size]."""
    generator = torch.Generator().manual_seed(seed)
    n_out, n_in, in_size, out_size = shape

    def normal(*size: int) -> Tensor:
        return torch.randn(size, generator=generator, dtype=torch.float64)

    return Case(
        normal(rows, n_in * in_size),
        normal(*shape),
        normal(n_out * out_size) if bias else None,
        random_gates(rows, n_in, density, kind, generator) if sides in ("in", "both") else None,
        random_gates(rows, n_out, density, kind, generator) if sides in ("out", "both") else None,
    )


def open_case(shape: tuple[int, ...], **changes: Any) -> tuple[Case, Tensor, Tensor]:
    """A case with all gates open, and its input and output gates."""
    case = random_case(shape, **{"density": 1.0, **changes})
    assert case.in_gates is not None
    assert case.out_gates is not None
    return case, case.in_gates, case.out_gates
