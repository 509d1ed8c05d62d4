"""Hard gates that several strategies draw or set in the same way."""

import torch
from torch import Tensor

from core.strategy import Decision, Site


def open_all(site: Site) -> Decision:
    """Open every block, without asking the gater."""
    return Decision(site.hidden.new_ones(site.hidden.shape[0], site.blocks))


def bernoulli(probability: Tensor, generator: torch.Generator) -> Tensor:
    """Draw binary gates that are open with the given probability; no gradient."""
    return torch.bernoulli(probability.detach(), generator=generator)


def hard_gates(probability: Tensor, generator: torch.Generator, mode: str) -> Tensor:
    """Return binary test-time gates: ``"sampled"`` as in the paper, or open where the ``"threshold"`` 1/2 is passed."""
    if mode == "sampled":
        return bernoulli(probability, generator)
    return (probability > 0.5).to(probability.dtype)
