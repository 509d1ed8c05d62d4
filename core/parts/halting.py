"""Halting distributions over passes: how much each pass counts for each example."""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import torch
from torch import Tensor, nn

from core.architecture import Architecture
from core.space import Domain, Integer, Real
from core.strategy import Batch, Decide, SinglePass

# How many passes there can be, and for how many the budget is divided.
PASSES: Mapping[str, Domain] = MappingProxyType(
    {
        "most_passes": Integer(4, low=1, high=16, search=(2, 6)),
        "expected_passes": Real(2.0, low=1.0, high=8.0, search=(1.5, 3.0)),
    }
)
# Of several passes' load imbalance, which is a mean over them.
BALANCE = Real(1.0, low=1e-3, high=10.0, log=True, or_zero=True, search=(0.1, 10.0))


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


def halting_passes(
    batch: Batch,
    decide: Decide,
    unit: nn.Linear,
    most: int,
    enough: Callable[[Tensor], bool] = lambda halting: False,
) -> tuple[list[SinglePass], list[Tensor]]:
    """Run passes, each carrying on from the one before, and let a unit read each pass's hidden state.

    Args:
        batch: to run.
        decide: opens the blocks of every pass.
        unit: of :func:`halting_unit`.
        most: passes at the most.
        enough: says from the halting probabilities so far, ``[T, B]``, whether no further pass is needed.

    Returns:
        The passes, and for each the halting probabilities ``[B]``.
    """
    passes: list[SinglePass] = []
    halting: list[Tensor] = []
    while len(passes) < most:
        passes.append(batch(decide, carry=passes[-1] if passes else None))
        halting.append(batch.project(passes[-1], unit)[:, 0].sigmoid())
        if enough(torch.stack(halting)):
            break
    return passes, halting
