"""What training spends until given errors, and per epoch."""

import math
from collections.abc import Callable

import numpy as np
import pandas as pd

from core.data import metric_of
from studies.catalogue.training_cost.reached import NEVER, Spent, spent_until, training_epochs
from studies.catalogue.training_cost.spending import error_against_training
from studies.formatting import number, percent
from studies.report.drawing.notes import sample_note
from studies.results import GROUP, SETTING, Results
from studies.results.statistics.medians import median_interval
from studies.results.table import Column, Table

# Validation errors to be reached: what random blocks come to, what most gates come to, and what few do.
ERRORS = (0.2, 0.1, 0.08)


def cost_to_errors(results: Results) -> pd.DataFrame:
    """Return one row per arm and setting: for each error how many seeds reach it, and at what cost.

    Costs are medians over seeds, those that never reach the error being infinite, with exact 95 % intervals. Errors in
    bits are not among those to be reached: datasets whose errors are have no rows.
    """
    epochs = dict(iter(training_epochs(results).groupby(["run_id", "arm"])))
    none = training_epochs(results).head(0)
    rows = []
    counted = results.counted
    for key, runs in counted[counted["dataset"].map(metric_of) == "error"].groupby(list(GROUP), sort=False):
        trained = [epochs.get((run_id, arm), none) for run_id, arm in zip(runs["run_id"], runs["arm"], strict=True)]
        spent = pd.DataFrame({_key(error): [spent_until(each, error) for each in trained] for error in ERRORS})
        rows.append({**dict(zip(GROUP, key, strict=True)), "n": len(runs), **_summary(spent)})
    return results.with_levels(pd.DataFrame(rows)) if rows else pd.DataFrame()


def _key(error: float) -> str:
    return f"to_{100 * error:g}"


def _summary(group: pd.DataFrame) -> dict[str, float]:
    found: dict[str, float] = {}
    for key in map(_key, ERRORS):
        found[f"{key}_share"] = float(np.mean([spent != NEVER for spent in group[key]]))
        for cost in Spent._fields:
            values = [float(getattr(spent, cost)) for spent in group[key]]
            low, high = median_interval(values)
            found |= {f"{key}_{cost}": float(np.median(values)), f"{key}_{cost}_low": low, f"{key}_{cost}_high": high}
    return found


def cost_of_an_epoch(results: Results) -> pd.DataFrame:
    """Return one row per arm and setting: what an epoch costs, means over seeds and all epochs.

    Ratios are to the dense network in the same setting; NaN where it takes no part.
    """
    last = training_epochs(results).groupby(["run_id", *GROUP], sort=False).last().reset_index()
    each = last[list(GROUP)].assign(**{cost: last[cost] / last["epoch"] for cost in Spent._fields})
    table = results.with_levels(each.groupby(list(GROUP), sort=False).mean().reset_index())
    # Those that are trained for fewer epochs come later, and an epoch of theirs costs the same.
    dense = table.loc[table["strategy"] == "dense", [*SETTING, "passes", "seconds"]].drop_duplicates(list(SETTING))
    table = table.merge(dense, on=list(SETTING), how="left", suffixes=("", "_dense"))
    ratios = {f"{cost}_ratio": table[cost] / table[f"{cost}_dense"] for cost in Spent._fields}
    return table.assign(**ratios).drop(columns=["passes_dense", "seconds_dense"])


def _or_never(digits: int) -> Callable[[float], str]:
    """Return what writes a cost: a dash where it is infinite."""
    return lambda value: number(value if math.isfinite(value) else None, digits)


def _caption(results: Results) -> str:
    return (
        "Per validation error: the share of seeds that reach it at the end of an epoch, and the median over seeds of "
        "what training had spent by then, forward and backward: multiply-adds per training example in forward passes "
        "of the dense network, and seconds of our kernels on one thread, beside another run. Seeds that never reach it "
        "count as infinite, and a dash is an infinite median. The CSV file has exact 95 % intervals of the medians, "
        f"which fewer than 6 seeds do not have. {sample_note(results)}"
    )


def _caption_of_an_epoch(results: Results) -> str:
    return (
        "An epoch of training: multiply-adds per training example, forward and backward, in forward passes of the "
        "dense network, and seconds on one thread, beside another run; and both as multiples of the dense network's. "
        f"Means over seeds and epochs, without intervals. {sample_note(results)}"
    )


_NAMES = (Column("strategy", "strategy"), Column("network", "network"))

FIGURES = (
    error_against_training(
        "error_against_training_macs",
        "Error against multiply-adds of training",
        "passes",
        "training MACs, forward passes of the dense network",
    ),
    error_against_training("error_against_seconds", "Error against seconds of training", "seconds", "seconds"),
)

TABLES = (
    Table(
        "cost_to_errors",
        "What it costs to get there",
        cost_to_errors,
        (
            *_NAMES,
            *(
                column
                for error in ERRORS
                for column in (
                    Column(f"{_key(error)}_share", f"reach {100 * error:g} %", lambda share: percent(share, 0)),
                    Column(f"{_key(error)}_passes", "MACs", _or_never(1)),
                    Column(f"{_key(error)}_seconds", "seconds", _or_never(2)),
                )
            ),
        ),
        _caption,
    ),
    Table(
        "cost_of_an_epoch",
        "What an epoch costs",
        cost_of_an_epoch,
        (
            *_NAMES,
            Column("passes", "MACs", _or_never(2)),
            Column("passes_ratio", "/ dense", _or_never(2)),
            Column("seconds", "seconds", _or_never(3)),
            Column("seconds_ratio", "/ dense", _or_never(2)),
        ),
        _caption_of_an_epoch,
    ),
)
