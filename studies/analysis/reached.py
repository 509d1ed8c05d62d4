"""What training spent until its validation error first came down to a given one."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple


class Spent(NamedTuple):
    """What a run had spent by the end of an epoch; infinite where it never got there.

    Attributes:
        passes: multiply-adds per training example, forward and backward, in forward passes of the dense network.
        seconds: of training steps.
    """

    passes: float
    seconds: float


NEVER = Spent(math.inf, math.inf)


def dense_passes(record: Mapping[str, Any], train_macs: float) -> float:
    """Return total multiply-adds of training in forward passes of the dense network per training example.

    A run on 10 examples of a network of 20 multiply-adds ended after 1,200, which are 120 an example; 600 of them are 3
    passes:

    >>> dense_passes({"dense_macs": 20, "train_macs": 120.0, "history": [{"train_macs": 1200.0}]}, 600.0)
    3.0
    """
    examples = record["history"][-1]["train_macs"] / record["train_macs"]
    return float(train_macs / examples / record["dense_macs"])


def spent_until(record: Mapping[str, Any], error: float) -> Spent:
    """Return what a run had spent at the end of the first epoch with at most this validation error.

    >>> history = [{"validation_error": 0.3, "train_macs": 600.0, "train_seconds": 0.5},
    ...            {"validation_error": 0.2, "train_macs": 1200.0, "train_seconds": 1.0}]
    >>> record = {"dense_macs": 20, "train_macs": 120.0, "history": history}
    >>> spent_until(record, 0.2)
    Spent(passes=6.0, seconds=1.0)
    >>> spent_until(record, 0.1)
    Spent(passes=inf, seconds=inf)

    Args:
        record: of the run; one that failed before its first epoch has no history.
        error: a fraction.
    """
    for epoch in record.get("history", ()):
        if epoch["validation_error"] <= error:
            return Spent(dense_passes(record, epoch["train_macs"]), epoch["train_seconds"])
    return NEVER
