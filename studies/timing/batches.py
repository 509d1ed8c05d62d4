"""Contenders that classify batches: one of them in each call, or all."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from studies.timing.clock import Contender

Classify = Callable[[Tensor], object]


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
