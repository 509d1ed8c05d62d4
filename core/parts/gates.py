"""Hard gates that several strategies draw or set in the same way."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from core.architecture import Architecture
from core.strategy import Decide, Decision, Site

# Of a product such as 16 / 8 in floating point.
ROUNDING = 1e-9


def open_all(site: Site) -> Decision:
    """Open every block, without asking the gater."""
    return Decision(site.hidden.new_ones(site.hidden.shape[0], site.blocks))


def explicit(gates: Sequence[Tensor]) -> Decide:
    """Return a callback that sets given gates ``[B, blocks]`` in each layer, without asking the gater."""

    def decide(site: Site) -> Decision:
        return Decision(gates[site.index])

    return decide


def bernoulli(probability: Tensor, generator: torch.Generator) -> Tensor:
    """Draw binary gates that are open with the given probability; no gradient."""
    # Unlike torch.bernoulli this takes NaN, as closed: a diverged run ends with its status, not with an exception.
    return (uniform_like(probability, generator) < probability).to(probability.dtype)


def likely(probability: Tensor) -> Tensor:
    """Return binary gates that are open where that is more likely than closed; no gradient."""
    return (probability > 0.5).to(probability.dtype)


def straight_through(hard: Tensor, soft: Tensor) -> Tensor:
    """Return the values of ``hard``, exactly, with the gradient of ``soft``."""
    return hard + (soft - soft.detach())


def budget(blocks: int, density: float) -> int:
    """Return how many blocks may be open at ``density`` where all examples open the same number, at least one.

    What is not a whole number is rounded down, so that the budget is kept.

    >>> budget(16, 1 / 8), budget(12, 1 / 8), budget(16, 1 / 64)
    (2, 1, 1)
    """
    return max(1, math.floor(density * blocks + ROUNDING))


def open_counts(rows: int, blocks: int, density: float, generator: torch.Generator) -> Tensor:
    """Return for each example how many blocks it opens, ``[rows]`` whole numbers whose mean is ``density * blocks``.

    Where that is a whole number, all have it and nothing is drawn. Else each example draws one of its two neighbours,
    the upper one with the fraction's probability; none opens less than one block, so that a target below one block
    cannot be kept (:func:`too_few_blocks`).

    1.5 of 12 blocks:

    >>> counts = open_counts(1000, 12, 1 / 8, torch.Generator().manual_seed(0))
    >>> counts.unique().tolist(), abs(float(counts.double().mean()) - 1.5) < 0.05
    ([1, 2], True)
    """
    wanted = density * blocks
    lower = math.floor(wanted + ROUNDING)
    counts = torch.full((rows,), max(1, lower), dtype=torch.long, device=generator.device)
    share = wanted - lower
    if lower >= 1 and share > ROUNDING:
        counts += torch.rand(rows, generator=generator, device=generator.device) < share
    return counts


def too_few_blocks(architecture: Architecture, density: float, tolerance: float, passes: int = 1) -> str | None:
    """Say in which layer one open block in each pass is more than a density and its tolerance allow; None if in none.

    >>> too_few_blocks(Architecture.parse("4x4", features=2, classes=2), 1 / 8, tolerance=0.2)
    'layer 1 has 4 blocks, and one of them is more than a density of 0.125: it takes 7 blocks, or a density of 0.208'
    """
    for number, layer in enumerate(architecture.layers, start=1):
        if passes > density * (1 + tolerance) * layer.blocks + ROUNDING:
            few = "one of them is" if passes == 1 else f"one of them in each of {passes} passes is"
            least = passes / (density * (1 + tolerance))
            return (
                f"layer {number} has {layer.blocks} blocks, and {few} more than a density of {density:.3g}: it takes "
                f"{math.ceil(least - ROUNDING)} blocks, or a density of {passes / layer.blocks / (1 + tolerance):.3g}"
            )
    return None


def top_blocks(scores: Tensor, count: int | Tensor) -> Tensor:
    """Return binary gates ``[B, blocks]`` that open the highest scores of each example.

    Args:
        scores: ``[B, blocks]``.
        count: how many to open, or ``[B]``, how many of each example.
    """
    if isinstance(count, int):
        return torch.zeros_like(scores).scatter_(1, scores.topk(count, dim=1).indices, 1.0)
    # By ranks and not by the largest count, whose value a compiled network would have to wait for.
    order = scores.argsort(dim=1, descending=True, stable=True)
    is_open = torch.arange(scores.shape[1], device=scores.device) < count[:, None]
    return torch.zeros_like(scores).scatter_(1, order, is_open.to(scores.dtype))


def uniform_like(values: Tensor, generator: torch.Generator) -> Tensor:
    """Draw uniform noise in [0, 1) of the shape, dtype and device of ``values``."""
    return torch.rand(values.shape, generator=generator, dtype=values.dtype, device=values.device)


def normal_like(values: Tensor, generator: torch.Generator) -> Tensor:
    """Draw standard normal noise of the shape, dtype and device of ``values``."""
    return torch.randn(values.shape, generator=generator, dtype=values.dtype, device=values.device)


def logistic_like(values: Tensor, generator: torch.Generator) -> Tensor:
    """Draw standard logistic noise, the difference of two Gumbels: ``P(l + noise > 0) = sigmoid(l)``."""
    return torch.logit(uniform_like(values, generator), eps=1e-6)


def gumbel_like(values: Tensor, generator: torch.Generator) -> Tensor:
    """Draw standard Gumbel noise: the highest of ``scores + noise`` is drawn by the softmax of the scores."""
    uniform = uniform_like(values, generator)
    # Neither 0 nor 1, whose logarithms would be infinite.
    tiny = torch.finfo(values.dtype).tiny
    return -(-uniform.clamp(min=tiny, max=1 - torch.finfo(values.dtype).eps).log()).log()
