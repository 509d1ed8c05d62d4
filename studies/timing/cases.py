"""What is measured, and which speed-up each case should reach."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, get_args

from core.architecture import Architecture
from core.network.cost import dense_macs, gated_macs

Kind = Literal["gemv", "minibatch", "training", "training_fused", "mlp_batch1", "mlp_test_pass"]
Gated = Literal["output", "both"]
Baseline = Literal["dense", "dense_equal_macs", "masked", "grouped_mm"]
Launch = Literal["eager", "graph"]
KINDS: tuple[Kind, ...] = get_args(Kind)

BLOCK = 64
# How many sets of gates take turns; a CUDA graph makes a call with each.
TURNS = 16
MLP = Architecture.parse("16x64,16x64", features=784, classes=10)
MLP_DENSITY = 1 / 8


@dataclass(frozen=True)
class Case:
    """One comparison.

    Attributes:
        case: ``gemv`` and ``minibatch`` are one layer forward, ``training`` is forward and backward, ``training_fused``
            the SGD step too, ``mlp_batch1`` a whole trained network on one example, ``mlp_test_pass`` on a test split.
        batch: rows.
        d_in: input units.
        d_out: output units.
        block: units of a block; an input that is no multiple of it is one block.
        density: share of open blocks, the same number of them in every row.
        gated: ``output`` gates only, or ``both`` sides.
        baseline: a dense layer or network of the same shape or of equal multiply-adds, the dense layer between masks
            (``masked``; on the CPU the reference), or PyTorch's product of groups of rows, ``grouped_mm``.
        target: the speed-up over the baseline that should be reached, or None.
        launch: on a GPU, whether the host launches each kernel (``eager``) or all as one CUDA graph (``graph``).
    """

    case: Kind
    batch: int
    d_in: int
    d_out: int
    block: int
    density: float
    gated: Gated
    baseline: Baseline = "dense"
    target: float | None = None
    launch: Launch = "eager"

    @property
    def calls(self) -> int:
        """How many calls of the layer a contender makes at once."""
        return TURNS if self.launch == "graph" else 1

    @property
    def ideal(self) -> float:
        """The speed-up if time were proportional to multiply-adds."""
        if self.baseline in ("dense_equal_macs", "grouped_mm"):
            return 1.0
        if self.case in ("mlp_batch1", "mlp_test_pass"):
            return dense_macs(MLP) / gated_macs(MLP, self.density)
        return 1 / self.density if self.gated == "output" else 1 / self.density**2


def cases(device: str) -> list[Case]:
    """Return the cases for ``cpu`` or ``cuda``, in the order in which they are measured."""
    return list(_on_cpu() if device == "cpu" else _on_cuda())


def _on_cpu() -> Iterator[Case]:
    for units in (1024, 2048, 4096):
        for density in (1 / 16, 1 / 8, 1 / 4):
            yield _layer("gemv", 1, units, density, "output", target=0.75 / density)
            yield _layer("gemv", 1, units, density, "both", target=_gemv_target(units, density))
    for units in (512, 1024, 2048):
        for batch in (8, 32, 128, 512):
            for density in (1 / 16, 1 / 8, 1 / 4, 1 / 2):
                for gated in get_args(Gated):
                    target = _minibatch_target(units, density, gated) if batch == 128 else None
                    yield _layer("minibatch", batch, units, density, gated, target=target)
        yield _layer("minibatch", 128, units, 1 / 8, "both", baseline="masked")
    for units in (512, 1024, 2048):
        yield _layer("training", 128, units, 1 / 8, "both", target=5)
        yield _layer("training_fused", 128, units, 1 / 8, "both", target=8)
        yield _layer("training", 128, units, 1 / 8, "output")
    # The first layer of a network: its input is one wide block.
    yield Case("training", 128, 784, 1024, BLOCK, 1 / 8, "output")
    yield Case("mlp_batch1", 1, 784, 10, BLOCK, MLP_DENSITY, "both", target=15)
    yield Case("mlp_batch1", 1, 784, 10, BLOCK, MLP_DENSITY, "both", "dense_equal_macs", target=2)
    yield Case("mlp_test_pass", 128, 784, 10, BLOCK, MLP_DENSITY, "both", target=8)


def _layer(
    case: Kind,
    batch: int,
    units: int,
    density: float,
    gated: Gated,
    *,
    baseline: Baseline = "dense",
    target: float | None = None,
) -> Case:
    return Case(case, batch, units, units, BLOCK, density, gated, baseline, target)


def _gemv_target(units: int, density: float) -> float | None:
    if density == 1 / 16:
        return 120 if units >= 2048 else None
    return {1 / 8: 40.0, 1 / 4: 12.0}[density]


def _minibatch_target(units: int, density: float, gated: Gated) -> float | None:
    if gated == "output":
        return {1 / 8: 0.75 * 8, 1 / 4: 0.9 * 4}.get(density)
    if density == 1 / 8:
        return 15 if units == 512 else 10
    return 20 if density == 1 / 16 and units >= 1024 else None


def _on_cuda() -> Iterator[Case]:
    """Forward and training of layers whose products a GPU ends in microseconds (1024) and in tens of them (4096)."""
    floors = {1: (2.5, 3.0), 16: (1.0, 2.0), 128: (0.9, 0.9), 2048: (1.5, 2.0), 8192: (2.0, 3.0)}
    for launch in get_args(Launch):
        for units in (1024, 4096):
            for batch, targets in floors.items():
                for density in (1 / 16, 1 / 8, 1 / 4, 1 / 2) if batch in (1, 2048) else (1 / 8,):
                    for gated, target in zip(get_args(Gated), targets, strict=True):
                        is_target = launch == "graph" and units == 4096 and density == 1 / 8
                        kind: Kind = "gemv" if batch == 1 else "minibatch"
                        case = _layer(kind, batch, units, density, gated, target=target if is_target else None)
                        yield replace(case, launch=launch)
            for batch in (128, 2048, 8192):
                for gated in get_args(Gated):
                    yield replace(_layer("training", batch, units, 1 / 8, gated), launch=launch)
                    yield replace(_layer("minibatch", batch, units, 1 / 8, gated, baseline="masked"), launch=launch)
                yield replace(_layer("minibatch", batch, units, 1 / 8, "output", baseline="grouped_mm"), launch=launch)
                yield replace(_layer("training", batch, units, 1 / 8, "output", baseline="grouped_mm"), launch=launch)
