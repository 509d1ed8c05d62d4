"""Halting distributions over passes: how much each pass counts for each example."""

import math
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import torch
from scipy.optimize import brentq
from torch import Tensor, nn

from core.architecture import Architecture
from core.space import Choice, Domain, Integer, Real
from core.strategy import Batch, Decide, SinglePass

# How many passes there can be, for how many the budget is divided, and how fast the price of a pass follows what is
# spent; at a rate of 0 it stays what it is at the start.
PASSES: Mapping[str, Domain] = MappingProxyType(
    {
        "most_passes": Integer(4, low=1, high=16, search=(2, 6)),
        "expected_passes": Real(2.0, low=1.0, high=8.0, search=(1.5, 3.0)),
        "price_rate": Real(0.02, low=1e-4, high=10.0, log=True, or_zero=True, searched=False),
    }
)
# How an example's last pass is chosen at test time: see :func:`last_pass`.
TEST_HALTING = Choice("median", ("median", "sampled"))
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


def last_pass(stop: Tensor, how: str, generator: torch.Generator) -> Tensor:
    """Return ``[B]``, counted from 0, the pass at which an example stops at test time.

    Args:
        stop: ``[T, B]``, of :func:`stopping_distribution`.
        how: ``median`` stops where having stopped has become as likely as not, ``sampled`` (Banino 2021) at a draw.
        generator: of the draw.

    >>> last_pass(torch.tensor([[0.5, 0.25], [0.25, 0.25], [0.25, 0.5]]), "median", torch.Generator())
    tensor([0, 1])
    """
    reached = stop.cumsum(dim=0)
    if how == "median":
        threshold = torch.full_like(stop[0], 0.5)
    else:
        threshold = torch.rand(stop[0].shape, generator=generator, dtype=stop.dtype, device=stop.device)
    # Rounding may leave the last sum a little below a threshold near 1.
    reached[-1] = 2.0
    return (reached >= threshold).to(stop.dtype).argmax(dim=0)


def affordable(passes: float, architecture: Architecture, density: float) -> float:
    """Return ``passes``, at most as many as the budget of the narrowest layer has blocks, ``tau n``, and at least 1.

    Every pass opens at least one block of each layer, so that more of them could not keep to the budget.

    >>> architecture = Architecture.parse("16x16,8x4", features=784, classes=10)
    >>> affordable(2.0, architecture, 1 / 4), affordable(4.0, architecture, 1 / 4), affordable(4.0, architecture, 1 / 9)
    (2.0, 2.0, 1.0)
    """
    blocks = min(layer.blocks for layer in architecture.layers)
    # A budget of 2 blocks must not be 1 by rounding.
    return max(1.0, min(passes, float(math.floor(density * blocks + 1e-6))))


def most_affordable(most: int, expected: float) -> int:
    """Return ``most`` passes, or 1 where no more than one is expected: there is nothing to save that others could use.

    >>> most_affordable(4, 1.5), most_affordable(4, 1.0)
    (4, 1)
    """
    return most if expected > 1 else 1


def stopping_probability(expected: float, most: int) -> float:
    """Return the probability of stopping at each pass for which ``expected`` of at most ``most`` passes are run.

    The number of passes is geometric, but that the last one stops whoever is left: its mean is
    ``(1 - (1 - lambda)^most) / lambda``. For 1.75 of at most 3 passes, 1/2 goes once, 1/4 twice and 1/4 thrice:

    >>> round(stopping_probability(1.75, 3), 6)
    0.5
    """
    low, high = 1e-3, 1 - 1e-3

    def excess(stop: float) -> float:
        return (1 - (1 - stop) ** most) / stop - expected

    if excess(high) >= 0:
        return high
    if excess(low) <= 0:
        return low
    return float(brentq(excess, low, high))


def halting_unit(architecture: Architecture, generator: torch.Generator, probability: float) -> nn.Linear:
    """Return a unit that reads the last hidden layer; Glorot-uniform weights, and a bias at a probability's logit.

    Graves 2016, section 3, starts the bias at 1 for many passes to halt early; here it starts at what the budget is
    divided for.
    """
    units = architecture.layers[-1].units
    unit: nn.Linear = nn.utils.skip_init(nn.Linear, units, 1)
    bound = math.sqrt(6.0 / (units + 1))
    with torch.no_grad():
        unit.weight.uniform_(-bound, bound, generator=generator)
        unit.bias.fill_(math.log(probability / (1 - probability)))
    return unit


def halting_passes(
    batch: Batch,
    decide: Decide,
    unit: nn.Linear,
    most: int,
    enough: Callable[[Tensor], bool] = lambda halting: False,
    samples: int = 1,
) -> tuple[list[SinglePass], list[Tensor]]:
    """Run passes, each carrying on from the one before, and let a unit read each pass's hidden state.

    Args:
        batch: to run.
        decide: opens the blocks of every pass.
        unit: of :func:`halting_unit`.
        most: passes at the most.
        enough: says from the halting probabilities so far, ``[T, B]``, whether no further pass is needed; it must be
            that no further one counts.
        samples: copies of each example; with more than one, B counts them all.

    Returns:
        The passes, and for each the halting probabilities ``[B]``.
    """
    passes: list[SinglePass] = []
    halting: list[Tensor] = []
    while len(passes) < most:
        passes.append(batch(decide, carry=passes[-1] if passes else None, samples=samples))
        halting.append(batch.project(passes[-1], unit)[:, 0].sigmoid())
        # A compiled network has one number of passes, the largest: further ones weigh nothing.
        if not torch.compiler.is_compiling() and enough(torch.stack(halting)):
            break
    return passes, halting
