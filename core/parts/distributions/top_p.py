"""The fewest blocks whose probabilities sum to p."""

import torch
from torch import Tensor


def top_p_blocks(scores: Tensor, p: Tensor) -> Tensor:
    """Return binary gates ``[B, blocks]``: the smallest set of blocks with a softmax mass of p, never none.

    Probabilities 1/2, 1/8 and 3/8, of which the two largest have 7/8:

    >>> top_p_blocks(torch.tensor([[4.0, 1.0, 3.0]]).log(), torch.tensor(0.8))
    tensor([[1., 0., 1.]])
    """
    ordered = scores.softmax(dim=1).sort(dim=1, descending=True)
    before = ordered.values.cumsum(dim=1) - ordered.values
    wanted = (before < p).to(scores.dtype)
    wanted[:, 0] = 1.0
    return torch.zeros_like(scores).scatter_(1, ordered.indices, wanted)
