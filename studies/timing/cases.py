"""What is measured, and which speed-up each case should reach."""

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Literal, get_args

from core.architecture import Architecture
from core.network.cost import dense_macs, gated_macs

Kind = Literal[
    "gemv",
    "minibatch",
    "training",
    "training_fused",
    "mlp_batch1",
    "mlp_test_pass",
    "mlp_epoch",
    "feed_forward",
    "feed_forward_training",
]
Gated = Literal["output", "both", "hidden"]
Baseline = Literal["dense", "dense_equal_macs", "masked", "grouped_mm"]
Launch = Literal["eager", "graph"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# Of a whole network.
NETWORK_KINDS: tuple[Kind, ...] = ("mlp_batch1", "mlp_test_pass", "mlp_epoch")
# How one layer is gated.
SIDES: tuple[Gated, ...] = ("output", "both")

BLOCK = 64
# How many sets of gates take turns; a CUDA graph makes a call with each.
TURNS = 16
MLP = Architecture.parse("16x64,16x64", features=784, classes=10)
MLP_DENSITY = 1 / 8
MLP_TEST_EXAMPLES, MLP_TRAINING_EXAMPLES = 1000, 3500
# Hidden units of a transformer's feed-forward layer per unit of its input (arXiv 1706.03762, section 3.3).
EXPANSION = 4
FEED_FORWARD_DENSITY = 1 / 8
FEED_FORWARD_BASELINES: tuple[Baseline, ...] = ("dense", "dense_equal_macs")


@dataclass(frozen=True)
class Case:
    """One comparison.

    Attributes:
        case: ``gemv`` and ``minibatch`` are one layer forward, ``training`` is forward and backward, ``training_fused``
            the SGD step too, ``mlp_batch1`` a whole trained network on one example, ``mlp_test_pass`` on a test split,
            ``mlp_epoch`` an epoch of its training, with its evaluation.
            ``feed_forward`` is a transformer's feed-forward layer, forward, and ``feed_forward_training`` is forward
            and backward: a projection up to blocks of hidden units with relu, and one down again.
        batch: rows; positions of a feed-forward layer.
        d_in: input units.
        d_out: output units.
        block: units of a block; an input that is no multiple of it is one block.
        density: share of open blocks, the same number of them in every row.
        gated: ``output`` gates only, ``both`` sides, or the ``hidden`` blocks between two projections: the output of
            the first and the input of the second.
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
    def hidden(self) -> int:
        """Hidden units of a feed-forward layer."""
        return EXPANSION * self.d_in

    @property
    def macs(self) -> int:
        """Multiply-adds that ours needs in what is timed at once; a backward pass makes two products more."""
        if self.case == "mlp_epoch":
            # Nothing takes a gradient to the data, which the first layer and its gater read.
            first = MLP.features * (self.density * MLP.layers[0].units + MLP.layers[0].blocks)
            return round(3 * gated_macs(MLP, self.density) - first) * MLP_TRAINING_EXAMPLES
        if self.case in NETWORK_KINDS:
            return round(gated_macs(MLP, self.density)) * self._examples
        if self.gated == "hidden":
            return 2 * self.batch * self.d_in * self._open(self.hidden) * self._products
        d_in = self._open(self.d_in) if self.gated == "both" else self.d_in
        return self.batch * d_in * self._open(self.d_out) * self._products

    @property
    def baseline_macs(self) -> int:
        """Multiply-adds of the baseline, which computes closed blocks too."""
        if self.baseline in ("dense_equal_macs", "grouped_mm"):
            return self.macs
        if self.case in NETWORK_KINDS:
            return dense_macs(MLP) * self._examples
        hidden = 2 * self.hidden if self.gated == "hidden" else self.d_out
        return self.batch * self.d_in * hidden * self._products

    @property
    def _products(self) -> int:
        return 3 if "training" in self.case else 1

    @property
    def _examples(self) -> int:
        return MLP_TEST_EXAMPLES if self.case == "mlp_test_pass" else self.batch

    def _open(self, units: int) -> int:
        return open_blocks(units // self.block, self.density) * self.block

    @property
    def ideal(self) -> float:
        """The speed-up if time were proportional to multiply-adds."""
        if self.baseline in ("dense_equal_macs", "grouped_mm"):
            return 1.0
        if self.case in NETWORK_KINDS:
            return dense_macs(MLP) / gated_macs(MLP, self.density)
        return 1 / self.density**2 if self.gated == "both" else 1 / self.density


def open_blocks(blocks: int, density: float) -> int:
    """Return how many blocks each row opens, at least one.

    >>> open_blocks(16, 1 / 8), open_blocks(8, 1 / 16)
    (2, 1)
    """
    return max(1, round(density * blocks))


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
                for gated in SIDES:
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
    for batch, target in ((32, None), (128, 0.75), (512, 0.9)):
        yield Case("mlp_test_pass", batch, 784, 10, BLOCK, MLP_DENSITY, "both", "dense_equal_macs", target=target)
    yield Case("mlp_epoch", 100, 784, 10, BLOCK, MLP_DENSITY, "both", "dense_equal_macs", target=1 / 1.6)
    yield from _feed_forward((128, 256, 512), (1, 64, 512, 2048), with_targets=True)


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


def _feed_forward(widths: Iterable[int], batches: Iterable[int], *, with_targets: bool) -> Iterator[Case]:
    kinds: tuple[Kind, ...] = ("feed_forward", "feed_forward_training")
    for kind, width, batch in itertools.product(kinds, widths, batches):
        for baseline in FEED_FORWARD_BASELINES:
            target = _feed_forward_target(kind, batch, baseline) if with_targets else None
            yield Case(kind, batch, width, width, BLOCK, FEED_FORWARD_DENSITY, "hidden", baseline, target)


def _feed_forward_target(kind: Kind, batch: int, baseline: Baseline) -> float | None:
    """Return the target of one layer with output gates, or that of a network against one of equal multiply-adds."""
    if kind == "feed_forward_training":
        return None
    if baseline == "dense":
        return 0.75 / FEED_FORWARD_DENSITY if batch in (1, 64, 512) else None
    return {64: 0.75, 512: 0.9}.get(batch)


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
                    for gated, target in zip(SIDES, targets, strict=True):
                        is_target = launch == "graph" and units == 4096 and density == 1 / 8
                        kind: Kind = "gemv" if batch == 1 else "minibatch"
                        case = _layer(kind, batch, units, density, gated, target=target if is_target else None)
                        yield replace(case, launch=launch)
            for batch in (128, 2048, 8192):
                for gated in SIDES:
                    yield replace(_layer("training", batch, units, 1 / 8, gated), launch=launch)
                    yield replace(_layer("minibatch", batch, units, 1 / 8, gated, baseline="masked"), launch=launch)
                yield replace(_layer("minibatch", batch, units, 1 / 8, "output", baseline="grouped_mm"), launch=launch)
                yield replace(_layer("training", batch, units, 1 / 8, "output", baseline="grouped_mm"), launch=launch)
        for case in _feed_forward((512, 2048), (1, 64, 512, 2048), with_targets=False):
            yield replace(case, launch=launch)
