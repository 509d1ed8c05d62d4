"""Hard gates that several strategies draw or set in the same way."""

from collections.abc import Sequence

import torch
from torch import Tensor

from core.strategy import Decide, Decision, Site


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
    uniform = torch.rand(probability.shape, generator=generator, dtype=probability.dtype, device=probability.device)
    # Unlike torch.bernoulli this takes NaN, as closed: a diverged run ends with its status, not with an exception.
    return (uniform < probability).to(probability.dtype)


def likely(probability: Tensor) -> Tensor:
    """Return binary gates that are open where that is more likely than closed; no gradient."""
    return (probability > 0.5).to(probability.dtype)


def straight_through(hard: Tensor, soft: Tensor) -> Tensor:
    """Return the values of ``hard``, exactly, with the gradient of ``soft``."""
    return hard + (soft - soft.detach())


def budget(blocks: int, density: float) -> int:
    """Return how many blocks may be open at ``density``, at least one.

    >>> budget(16, 1 / 8), budget(16, 1 / 64)
    (2, 1)
    """
    return max(1, round(density * blocks))


def top_blocks(scores: Tensor, count: int) -> Tensor:
    """Return binary gates ``[B, blocks]`` that open the ``count`` highest scores of each example."""
    return torch.zeros_like(scores).scatter_(1, scores.topk(count, dim=1).indices, 1.0)


def normal_like(values: Tensor, generator: torch.Generator) -> Tensor:
    """Draw standard normal noise of the shape, dtype and device of ``values``."""
    return torch.randn(values.shape, generator=generator, dtype=values.dtype, device=values.device)


def logistic_like(values: Tensor, generator: torch.Generator) -> Tensor:
    """Draw standard logistic noise, the difference of two Gumbels: ``P(l + noise > 0) = sigmoid(l)``."""
    uniform = torch.rand(values.shape, generator=generator, dtype=values.dtype, device=values.device)
    return torch.logit(uniform, eps=1e-6)
