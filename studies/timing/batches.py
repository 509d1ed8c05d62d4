"""Batches of one size, and contenders that classify them: one of them in each call, or all."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from studies.timing.clock import Contender

Classify = Callable[[Tensor], object]


def batches_of(x: Tensor, size: int) -> list[Tensor]:
    """Cut examples into batches of just that size, at least one: what does not fill one is left out.

    >>> [batch.tolist() for batch in batches_of(torch.tensor([[0.0], [1.0], [2.0]]), 2)]
    [[[0.0], [1.0]]]
    >>> [batch.tolist() for batch in batches_of(torch.tensor([[0.0], [1.0]]), 3)]
    [[[0.0], [1.0], [0.0]]]
    """
    whole = x.repeat(max(1, -(-size // len(x))), 1)
    return [batch.contiguous() for batch in whole.split(size) if len(batch) == size]


def one_in_turn(classify: Classify, batches: Sequence[Tensor]) -> Contender:
    """Return a contender that classifies the batch whose turn it is."""

    @torch.inference_mode()
    def call(number: int) -> object:
        return classify(batches[number % len(batches)])

    return call


def all_at_once(classify: Classify, batches: Sequence[Tensor]) -> Contender:
    """Return a contender that classifies all batches, one after another."""

    @torch.inference_mode()
    def call(_: int) -> object:
        return [classify(batch) for batch in batches]

    return call
