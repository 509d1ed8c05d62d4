"""Baselines of a cost for policy gradients: what a row's cost is compared with."""

from typing import Literal, get_args

import torch
from torch import Tensor, nn

Baseline = Literal["none", "batch_minimum", "batch_mean", "samples"]
BASELINES: tuple[str, ...] = get_args(Baseline)


def baseline(cost: Tensor, kind: str) -> Tensor:
    """Return the baseline of each cost, broadcastable to it.

    * ``none``: 0.
    * ``batch_minimum``: the smallest cost at the same position. Slightly biased, since a row's own can be the smallest.
    * ``batch_mean``: the mean of all other costs at the same position; 0 where there is no other. Costs at other
      positions of the same sequence may depend on the same gates.
    * ``samples``: the mean cost of the same row's other samples (RLOO: Kool et al. 2019).

    Args:
        cost: ``[samples, examples, positions]``, without a gradient; see :meth:`core.strategy.Batch.cost_to_go`.
        kind: one of ``BASELINES``.

    The others of 1 are 2 and 3, those of 2 are 1 and 3, those of 3 are 1 and 2:

    >>> baseline(torch.tensor([[[1.0], [2.0], [3.0]]]), "batch_mean").flatten()
    tensor([2.5000, 2.0000, 1.5000])
    """
    others = cost.shape[0] * cost.shape[1] - 1
    if kind == "batch_minimum":
        return cost.amin(dim=(0, 1))
    if kind == "batch_mean" and others:
        return (cost.sum(dim=(0, 1)) - cost) / others
    if kind == "samples" and cost.shape[0] > 1:
        return (cost.sum(dim=0) - cost) / (cost.shape[0] - 1)
    return torch.zeros_like(cost)


class CostPrediction(nn.Linear):
    """A linear prediction of a cost from an input, ``[rows, 1]``; 0 at first, and it teaches the input nothing.

    Args:
        features: of the input.

    >>> prediction = CostPrediction(2)
    >>> prediction(torch.ones(1, 2, requires_grad=True)).tolist()
    [[0.0]]
    """

    def __init__(self, features: int) -> None:
        super().__init__(features, 1, device="meta")
        self.to_empty(device="cpu")
        nn.init.zeros_(self.weight)
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.detach())
