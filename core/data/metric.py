"""What counts as the error of a prediction: whether it is wrong, or how many bits it leaves of the truth."""

import math
from typing import Literal

import torch.nn.functional
from torch import Tensor

# ``error`` is the share of wrong predictions, ``bits`` the mean of -log2 of the probability that the truth was given.
Metric = Literal["error", "bits"]


def example_errors(metric: Metric, output: Tensor, y: Tensor) -> Tensor:
    """Return the error of each prediction: 0 or 1, or bits.

    The first of two examples is predicted with probability 1/4, the second with 1/2:

    >>> output = torch.log(torch.tensor([[1.0, 3.0], [1.0, 1.0]]))
    >>> example_errors("error", output, torch.tensor([0, 0])).tolist()
    [1.0, 0.0]
    >>> example_errors("bits", output, torch.tensor([0, 0])).round(decimals=3).tolist()
    [2.0, 1.0]

    Args:
        metric: of the dataset.
        output: ``[N, classes]``, scores before the softmax; of sequences ``[N * positions, classes]``.
        y: ``[N]``, classes; of sequences ``[N, positions]``, whose error is the mean over positions.

    Returns:
        ``[N]`` float64.
    """
    rows = y.flatten()
    if metric == "error":
        errors = (output.argmax(dim=1) != rows).double()
    else:
        errors = torch.nn.functional.cross_entropy(output.double(), rows, reduction="none") / math.log(2)
    return errors if y.dim() == 1 else errors.view_as(y).mean(dim=1)


def chance_error(metric: Metric, classes: int) -> float:
    """Return the error of guessing uniformly.

    >>> chance_error("error", 10), chance_error("bits", 8)
    (0.9, 3.0)
    """
    return 1 - 1 / classes if metric == "error" else math.log2(classes)
