"""Whether passes go to the examples that are hard: of every run, set against what another network finds hard."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import spearmanr

from studies.results import GROUP, Results

# The dense network of equal cost has no passes, and knows nothing of the networks that have.
JUDGE = "small_dense"
FIFTHS = ("easiest", "2nd", "3rd", "4th", "hardest")
COLUMNS = (*GROUP, "family", "seed", "mean_passes", "spearman", *FIFTHS)


def passes_by_difficulty(results: Results) -> pd.DataFrame:
    """Return a row of ``COLUMNS`` per run, from what the measurement ``example_passes`` found.

    An example is as difficult as its mean loss under all ``JUDGE`` runs on the same dataset: all runs have the same
    test examples. ``spearman`` is the rank correlation of passes and difficulty, missing where every example had the
    same number of passes; then there is the mean number of passes in each fifth of the examples.
    """
    runs = results.measured("example_passes").to_dict("records")
    losses: dict[str, list[list[float]]] = {}
    for run in runs:
        if run["arm"] == JUDGE:
            losses.setdefault(run["dataset"], []).append(run["loss"])
    rows = [
        {
            **{column: run[column] for column in (*GROUP, "family", "seed")},
            **tracking(run["passes"], np.mean(losses[run["dataset"]], axis=0)),
        }
        for run in runs
        if run["dataset"] in losses
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def tracking(passes: Sequence[float], difficulty: NDArray[np.float64]) -> dict[str, float]:
    """Set the passes of examples against their difficulty.

    >>> found = tracking([1, 1, 1, 2, 3], np.array([0.1, 0.2, 0.3, 0.4, 0.5]))
    >>> found["mean_passes"], found["hardest"], round(found["spearman"], 3)
    (1.6, 3.0, 0.894)
    """
    each = np.asarray(passes, float)
    fifths = np.array_split(each[np.argsort(difficulty, kind="stable")], len(FIFTHS))
    varied = each.min() < each.max()
    return {
        "mean_passes": float(each.mean()),
        "spearman": float(spearmanr(each, difficulty).statistic) if varied else np.nan,
        **{name: float(fifth.mean()) for name, fifth in zip(FIFTHS, fifths, strict=True)},
    }
