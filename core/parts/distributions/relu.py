"""Gates that are the positive part of their scores."""

import torch
from torch import Tensor


def relu_gates(scores: Tensor) -> Tensor:
    """Return ``max(0, score)``: closed at and below 0, with the score's own gradient above (Wang et al. 2024, ReMoE).

    >>> relu_gates(torch.tensor([[-1.0, 2.0]]))
    tensor([[0., 2.]])
    """
    return torch.relu(scores)
