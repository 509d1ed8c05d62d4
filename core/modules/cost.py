"""What gates of a module save: multiply-adds of its pairs, gated and dense, and of the rest of it."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from core.modules.products import Products


@dataclass(frozen=True)
class Cost:
    """Multiply-adds per example, measured on examples, and the shares of blocks that were open for them.

    Products are counted: not biases, activations, normalisations, or the scaling by gates.

    Attributes:
        pairs: of the gated pairs, with their gaters and whatever else the strategy decides by.
        pairs_dense: of the same pairs with all blocks and no gaters.
        rest: of all else in the model, run once.
        densities: of each pair, by the name of its first layer, the share of blocks that were open.
        passes: how often the strategy runs the model for an answer: once, for all strategies here.

    Half of a model whose pairs are most of it:

    >>> cost = Cost(pairs=300.0, pairs_dense=700.0, rest=100.0, densities={"linear1": 0.25})
    >>> cost.gated, cost.dense, cost.share
    (400.0, 800.0, 0.5)
    """

    pairs: float
    pairs_dense: float
    rest: float
    densities: Mapping[str, float]
    passes: int = 1

    @property
    def gated(self) -> float:
        """Multiply-adds of the whole model with its gates."""
        return self.pairs + self.passes * self.rest

    @property
    def dense(self) -> float:
        """Multiply-adds of the whole model as it was without gates."""
        return self.pairs_dense + self.rest

    @property
    def share(self) -> float:
        """What is computed of the dense model: ``gated / dense``."""
        return self.gated / self.dense


@contextmanager
def counted() -> Iterator[Products]:
    """Count products inside the ``with`` statement, and let PyTorch compute all attention by products there."""
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH), Products() as products:
            yield products
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
