"""What training spent until its validation error first came down to a given one."""

import math
from typing import NamedTuple

import pandas as pd

from studies.results import Results


class Spent(NamedTuple):
    """What a run had spent by the end of an epoch; infinite where it never got there.

    Attributes:
        passes: multiply-adds per training example, forward and backward, in forward passes of the dense network.
        seconds: of training steps.
    """

    passes: float
    seconds: float


NEVER = Spent(math.inf, math.inf)


def training_epochs(results: Results) -> pd.DataFrame:
    """Return ``results.epochs`` with what training had spent by the end of each: ``passes`` and ``seconds``.

    A pass is the multiply-adds of one forward pass of the dense network over the training examples.
    """
    epochs = results.epochs
    keys = ["run_id", "arm"]
    # A record has the multiply-adds of all training per example, and its last epoch those of all examples.
    runs = results.counted[[*keys, "dense_macs", "train_macs"]].rename(columns={"train_macs": "macs_per_example"})
    table = epochs.merge(runs, on=keys, how="left", validate="many_to_one")
    whole = table.groupby(keys)["train_macs"].transform("last")
    shares = table["train_macs"] / whole
    passes = shares * table["macs_per_example"].astype(float) / table["dense_macs"].astype(float)
    return epochs.assign(passes=passes, seconds=epochs["train_seconds"])


def spent_until(epochs: pd.DataFrame, error: float) -> Spent:
    """Return what a run had spent at the end of the first epoch with at most this validation error.

    >>> epochs = pd.DataFrame({"validation_error": [0.3, 0.2], "passes": [3.0, 6.0], "seconds": [0.5, 1.0]})
    >>> spent_until(epochs, 0.2)
    Spent(passes=6.0, seconds=1.0)
    >>> spent_until(epochs, 0.1)
    Spent(passes=inf, seconds=inf)

    Args:
        epochs: of one run, in order, of :func:`training_epochs`; one that failed before its first epoch has none.
        error: a fraction.
    """
    reached = epochs[epochs["validation_error"] <= error]
    if reached.empty:
        return NEVER
    first = reached.iloc[0]
    return Spent(float(first["passes"]), float(first["seconds"]))
