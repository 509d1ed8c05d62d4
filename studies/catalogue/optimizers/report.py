"""Strategies by optimiser: errors, paired differences, and how alike the orders are."""

from functools import partial
from itertools import permutations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from studies.catalogue.optimizers import RATES
from studies.catalogue.optimizers.strategies_by_level import difference_by_level, error_by_level, failures_by_level
from studies.formatting import number
from studies.metric import difference_text, difference_units, error_text
from studies.report.drawing.notes import sample_note
from studies.results import Results
from studies.results.contrasts import EXPLORATORY_LEVEL
from studies.results.independent import exploratory_interval
from studies.results.results import error_ceiling
from studies.results.table import Column, Table

# The first two add momentum, without and with steps that adapt to each weight; the others replace Adam.
COMPARED = (("momentum", "sgd"), ("adam", "rmsprop"), ("sgd", "adam"), ("momentum", "adam"))


def strategies_by_optimizer(results: Results) -> pd.DataFrame:
    """Return one row per strategy: of each optimiser error, realised density, and the failed runs of its search."""
    searched = results.runs[results.runs["stage"] == "search"]
    failed = (searched["status"] != "ok").groupby(searched["arm"]).sum()
    table = results.with_levels(results.summary)
    table["search_failures"] = table["arm"].map(failed)
    measures = {
        "": "mean",
        "_ci_low": "ci_low",
        "_ci_high": "ci_high",
        "_density": "test_density",
        "_failures": "failures",
        "_search_failures": "search_failures",
    }
    columns = {
        f"{optimizer}{ending}": rows.set_index("strategy")[column]
        for optimizer, rows in table.groupby("optimizer", sort=False)
        for ending, column in measures.items()
    }
    wide = pd.DataFrame(columns)
    order = wide[list(RATES)].mean(axis=1).sort_values(kind="stable").index
    return wide.loc[order].rename_axis("strategy").reset_index().assign(dataset=_dataset(results))


def _dataset(results: Results) -> str:
    """Return the study's dataset: it has one, in whose unit all its errors are."""
    return str(results.runs["dataset"].iloc[0])


def mean_differences(results: Results) -> pd.DataFrame:
    """Return what one optimiser changes against another on the whole, a row for dense networks and one for gated ones.

    ``difference`` is the mean over strategies of the paired difference of test error, with its 95 % t interval over
    searches; ``median`` is that over strategies. ``better`` and ``worse`` count strategies whose own 95 % t interval
    leaves out 0, without a correction for their number.
    """
    search, ceiling = results.protocol.search, error_ceiling(results.runs)
    counted = results.with_levels(results.counted[["arm", "search", "error", "gated"]])
    errors = counted.pivot_table(index=["gated", "strategy"], columns=["optimizer", "search"], values="error")
    rows = []
    for gated, of_strategies in errors.groupby("gated"):
        for optimizer, reference in COMPARED:
            differences = of_strategies[optimizer].to_numpy() - of_strategies[reference].to_numpy()
            interval_of = partial(exploratory_interval, level=EXPLORATORY_LEVEL, search=search, ceiling=ceiling)
            low, high = interval_of(differences.mean(axis=0).tolist())
            ends = [interval_of(of_one.tolist()) for of_one in differences]
            rows.append(
                {
                    "dataset": _dataset(results),
                    "networks": "gated" if gated else "dense",
                    "strategies": len(differences),
                    "optimizer": optimizer,
                    "reference": reference,
                    "difference": float(differences.mean()),
                    "ci_low": low,
                    "ci_high": high,
                    "median": float(np.median(differences.mean(axis=1))),
                    "better": sum(end < 0 for _, end in ends),
                    "worse": sum(end > 0 for end, _ in ends),
                }
            )
    return pd.DataFrame(rows)


def order_by_optimizer(results: Results) -> pd.DataFrame:
    """Return how alike two optimisers order the strategies, one row per optimiser, a column for each.

    It is Spearman's rank correlation between the strategies' errors on one seed under one optimiser and those on
    another seed under the other, mean over all ordered pairs of different seeds. That of an optimiser with itself says
    how far noise alone changes the order. Empty where there is one seed.
    """
    if results.protocol.seeds < 2:
        return pd.DataFrame()
    counted = results.with_levels(results.counted[["arm", "seed", "error"]])
    by_optimizer = {
        str(optimizer): rows.pivot_table(index="strategy", columns="seed", values="error").to_numpy()
        for optimizer, rows in counted.groupby("optimizer", sort=False)
    }
    return pd.DataFrame(
        [
            {"optimizer": one, **{other: _agreement(by_optimizer[one], by_optimizer[other]) for other in by_optimizer}}
            for one in by_optimizer
        ]
    )


def _agreement(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Return the mean rank correlation of columns of ``[strategies, seeds]``, of different seeds."""
    pairs = permutations(range(one.shape[1]), 2)
    return float(np.mean([stats.spearmanr(one[:, i], other[:, j]).statistic for i, j in pairs]))


def _caption(results: Results) -> str:
    return (
        "Mean test error, and the share of blocks that were open on the test split, per strategy and optimiser; in the "
        "order of the mean over optimisers. The CSV file has 95 % intervals over searches and failures. "
        + sample_note(results)
    )


def _caption_of_differences(results: Results) -> str:
    return (
        "Test error under one optimiser minus that under another in the same search, in "
        f"{difference_units(results.runs)}: mean over strategies "
        "with its 95 % t interval over searches, and median over strategies. Better and worse count strategies whose "
        f"own 95 % t interval leaves out 0, uncorrected. {sample_note(results)}"
    )


def _caption_of_order(results: Results) -> str:
    return (
        "How alike two optimisers order the strategies: Spearman's rank correlation of their test errors on different "
        "seeds, mean over all pairs of these; an optimiser with itself shows what noise leaves of it. No interval is "
        f"shown. {sample_note(results)}"
    )


BY_OPTIMIZER = Table(
    "by_optimizer",
    "Strategies by optimiser",
    strategies_by_optimizer,
    (
        Column("strategy", "strategy"),
        *(Column(name, name, error_text, keys=("dataset", name)) for name in RATES),
        *(Column(f"{name}_density", f"density, {name}", lambda share: number(share, 3)) for name in RATES),
    ),
    _caption,
)

DIFFERENCES = Table(
    "mean_differences",
    "What optimisers change on the whole",
    mean_differences,
    (
        Column("networks", "networks"),
        Column("strategies", "strategies", str),
        Column("optimizer", "optimiser"),
        Column("reference", "against"),
        Column("difference", "difference", difference_text, keys=("dataset", "difference")),
        Column("ci_low", "from", difference_text, keys=("dataset", "ci_low")),
        Column("ci_high", "to", difference_text, keys=("dataset", "ci_high")),
        Column("median", "median", difference_text, keys=("dataset", "median")),
        Column("better", "better", str),
        Column("worse", "worse", str),
    ),
    _caption_of_differences,
)

ORDER = Table(
    "order",
    "How alike the orders are",
    order_by_optimizer,
    (Column("optimizer", "optimiser"), *(Column(name, name, lambda value: number(value, 2)) for name in RATES)),
    _caption_of_order,
)

FIGURES = (
    error_by_level("optimizers", "Strategies by optimiser", "optimizer"),
    difference_by_level("differences", "Differences to Adam", "optimizer", "adam"),
    failures_by_level("failures", "Failed runs by optimiser", "optimizer"),
)

TABLES = (BY_OPTIMIZER, DIFFERENCES, ORDER)
