"""A price that is controlled: it rises while more is spent than the target, and falls while less is."""

import math

import torch
from torch import Tensor, nn


class DualPrice(nn.Module):
    """The price of a constraint ``realised = target``, by dual ascent (Boyd et al. 2011, section 2.1).

    ``price <- max(lowest, price + rate (realised / target - 1))``, once per training batch. It is a buffer: it is saved
    with the strategy, and no optimiser changes it.

    Args:
        rate: how fast it follows; 0 leaves it at its start.
        start: its first value.
        lowest: its least value. 0 is for a limit that need not be reached; without one the price of a budget that is
            not spent falls below 0, and becomes a reward for spending.

    A quarter more than the target raises the price by a quarter of the rate, and nothing spent lowers it by the rate:

    >>> price = DualPrice(rate=0.5, start=0.125)
    >>> price.update(torch.tensor(2.5), target=2.0)
    >>> price.value
    tensor(0.2500)
    >>> price.update(torch.tensor(0.0), target=2.0)
    >>> price.value
    tensor(0.)
    """

    price: Tensor

    def __init__(self, rate: float, start: float = 0.0, lowest: float = 0.0) -> None:
        super().__init__()
        self.rate = rate
        self.lowest = lowest
        self.register_buffer("price", torch.tensor(start))

    @property
    def value(self) -> Tensor:
        """The price, a scalar that later updates leave alone."""
        return self.price.clone()

    def update(self, realised: Tensor, target: float) -> None:
        """Move the price after what a batch has spent, in any unit, that of the target; in training only."""
        if self.training and self.rate > 0:
            step = self.rate * (realised.detach().to(self.price.dtype) / target - 1)
            # A diverged run ends with its status: its price must not be what hides why.
            self.price += torch.nan_to_num(step)
            if math.isfinite(self.lowest):
                self.price.clamp_(min=self.lowest)
