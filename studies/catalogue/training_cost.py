"""What training itself costs: multiply-adds and seconds to given errors, backward passes included."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from strategies import built_in
from studies.analysis.levels import with_levels
from studies.analysis.reached import NEVER, Spent, dense_passes, spent_until
from studies.arm import Arm
from studies.figures.notes import sample_note
from studies.figures.training_cost import error_against_training
from studies.formatting import number, percent
from studies.results import GROUP, SETTING, Results
from studies.statistics import median_interval
from studies.study import Study, Sweep
from studies.table import Column, Table

# Validation errors to be reached: what random blocks come to, what most gates come to, and what few do.
ERRORS = (0.2, 0.1, 0.08)
WIDER = "16x64"

SWEEP = Sweep(
    # Of six seeds the lowest and the highest are a 95 % interval of the median.
    seeds=6,
    strategies=tuple(built_in()),
    arms=tuple(
        Arm(f"{name}, {WIDER}", name, network=WIDER)
        for name in ("dense", "small_dense", "reinforce", "straight_through", "local_search", "top_k", "tree_routing")
    ),
    # A run that opens too many blocks pays for every one of them in multiply-adds, and should not count as failed too.
    training={"epochs": 12, "density_tolerance": 1.0},
)


def cost_to_errors(results: Results) -> pd.DataFrame:
    """Return one row per strategy and setting: for each error how many seeds reach it, and at what cost.

    Costs are medians over seeds, those that never reach the error being infinite, with exact 95 % intervals.
    """
    spent = pd.DataFrame(
        [
            {**{column: run[column] for column in GROUP}, **_row(record)}
            for run, record in zip(results.runs.to_dict("records"), results.records, strict=True)
            if run["selected"]
        ]
    )
    rows = [
        {**dict(zip(GROUP, key, strict=True)), "n": len(group), **_summary(group)}
        for key, group in spent.groupby(list(GROUP), sort=False)
    ]
    return with_levels(pd.DataFrame(rows), results.runs)


def _row(record: dict[str, Any]) -> dict[str, Spent]:
    return {_key(error): spent_until(record, error) for error in ERRORS}


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
    """Return one row per strategy and setting: what an epoch costs, means over seeds and all epochs.

    Ratios are to the dense network in the same setting; NaN where it takes no part.
    """
    rows = []
    for run, record in zip(results.runs.to_dict("records"), results.records, strict=True):
        history: Sequence[dict[str, Any]] = record.get("history", ())
        if run["selected"] and history:
            last = history[-1]
            spent = dense_passes(record, last["train_macs"]), last["train_seconds"]
            passes, seconds = (total / last["epoch"] for total in spent)
            rows.append({**{name: run[name] for name in GROUP}, "passes": passes, "seconds": seconds})
    means = pd.DataFrame(rows).groupby(list(GROUP), sort=False)[["passes", "seconds"]].mean().reset_index()
    table = with_levels(means, results.runs)
    dense = table[table["base_strategy"] == "dense"][[*SETTING, "passes", "seconds"]]
    table = table.merge(dense, on=list(SETTING), how="left", suffixes=("", "_dense"))
    ratios = {f"{cost}_ratio": table[cost] / table[f"{cost}_dense"] for cost in Spent._fields}
    return table.assign(**ratios).drop(columns=["passes_dense", "seconds_dense"])


def _spent(digits: int) -> Any:
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


_NAMES = (Column("base_strategy", "strategy"), Column("network", "network"))

STUDY = Study(
    question="Counting the backward pass, does gating make learning cheaper or faster than a dense network?",
    source="retrospective, R7",
    figures=(
        error_against_training(
            "error_against_training_macs",
            "Error against multiply-adds of training",
            "passes",
            "training MACs, forward passes of the dense network",
        ),
        error_against_training("error_against_seconds", "Error against seconds of training", "seconds", "seconds"),
    ),
    tables=(
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
                        Column(f"{_key(error)}_passes", "MACs", _spent(1)),
                        Column(f"{_key(error)}_seconds", "seconds", _spent(2)),
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
                Column("passes", "MACs", _spent(2)),
                Column("passes_ratio", "/ dense", _spent(2)),
                Column("seconds", "seconds", _spent(3)),
                Column("seconds_ratio", "/ dense", _spent(2)),
            ),
            _caption_of_an_epoch,
        ),
    ),
    scales={
        "quick": replace(SWEEP, seeds=2, training={**SWEEP.training, "epochs": 5}),
        "default": SWEEP,
        "paper": replace(SWEEP, seeds=20, training={**SWEEP.training, "epochs": 50}),
    },
)
