"""Halting distributions over passes: how much each pass counts for each example."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from core.architecture import Architecture


def act_weights(halting: Sequence[Tensor], epsilon: float) -> tuple[Tensor, Tensor]:
    """Return the weights and the ponder cost of adaptive computation time (Graves 2016, equations 5-9 and 12).

    The last pass N is the first one whose summed halting probabilities reach ``1 - epsilon``, or the last there is. Its
    weight is the remainder ``R = 1 - sum_{t<N} h_t``; passes before it weigh ``h_t``, later ones 0. The ponder cost is
    ``N + R``; only R has a gradient.

    Args:
        halting: per pass ``[B]``, halting probabilities.
        epsilon: how much may be missing to 1.

    Returns:
        Weights ``[T, B]``, and the ponder cost ``[B]``.

    With h = 0.5, 0.3, 0.4 the sum reaches 0.99 at the third pass, whose remainder is 1 - 0.8:

    >>> weights, ponder = act_weights([torch.tensor([0.5]), torch.tensor([0.3]), torch.tensor([0.4])], epsilon=0.01)
    >>> weights.flatten(), ponder
    (tensor([0.5000, 0.3000, 0.2000]), tensor([3.2000]))
    """
    h = torch.stack(list(halting))
    total = h.cumsum(dim=0)
    reached = total >= 1 - epsilon
    reached[-1] = True
    last = reached.to(h.dtype).argmax(dim=0)
    step = torch.arange(h.shape[0], device=h.device)[:, None]
    before = torch.where(step < last, h, torch.zeros_like(h))
    remainder = 1 - before.sum(dim=0)
    weights = torch.where(step == last, remainder, before)
    return weights, (last + 1).to(h.dtype) + remainder


def stopping_distribution(halting: Sequence[Tensor]) -> Tensor:
    """Return the probability ``[T, B]`` of stopping at each pass, if each stops with its own (Banino 2021, equation 6).

    ``p_t = lambda_t prod_{s<t} (1 - lambda_s)``; the last pass stops whoever is left:

    >>> stopping_distribution([torch.tensor([0.5]), torch.tensor([0.5]), torch.tensor([0.5])]).flatten()
    tensor([0.5000, 0.2500, 0.2500])
    """
    stop = torch.stack(list(halting))
    stop = torch.cat([stop[:-1], torch.ones_like(stop[-1:])])
    going = torch.cat([torch.ones_like(stop[:1]), (1 - stop[:-1]).cumprod(dim=0)])
    return stop * going


def halting_unit(architecture: Architecture, generator: torch.Generator) -> nn.Linear:
    """Return a unit that reads the last hidden layer; Glorot-uniform weights, bias 1 (Graves 2016, section 3)."""
    units = architecture.layers[-1].units
    unit: nn.Linear = nn.utils.skip_init(nn.Linear, units, 1)
    bound = math.sqrt(6.0 / (units + 1))
    with torch.no_grad():
        unit.weight.uniform_(-bound, bound, generator=generator)
        unit.bias.fill_(1.0)
    return unit
