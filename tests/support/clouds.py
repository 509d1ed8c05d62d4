"""Three clouds of points in five dimensions, to train on in no time."""

import torch

from core.data import Split, Splits

EXAMPLES = 23


def clouds() -> Splits:
    generator = torch.Generator().manual_seed(0)
    y = torch.arange(EXAMPLES + 30) % 3
    x = 2 * torch.randn(3, 5, generator=generator)[y] + torch.randn(len(y), 5, generator=generator)
    return Splits(Split(x[:EXAMPLES], y[:EXAMPLES]), Split(x[EXAMPLES:], y[EXAMPLES:]), None)
