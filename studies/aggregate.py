"""From the ledger to tables: one row per run, and one row per dataset, network, density and strategy."""

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.errors import InputError
from studies.configuration import Configuration
from studies.ledger import Ledger
from studies.results import GROUP, RUN_COLUMNS, Results, with_counted_errors
from studies.statistics import interquartile_mean, t_interval
from studies.study import Design


def collect(design: Design, ledger: Ledger) -> Results:
    """Read every run of the design and aggregate.

    Raises:
        InputError: a run is missing; nothing is reported on an unfinished study.
    """
    configurations = design.configurations()
    missing = ledger.missing(configuration.run_id for configuration in configurations)
    if missing:
        raise InputError(
            f"{len(missing)} of {len(configurations)} runs of {design.study!r} are missing: "
            f"the command that began it (python -m studies run {design.study} ..., with its options) runs them"
        )
    records = tuple(ledger.read(configuration.run_id) for configuration in configurations)
    runs = _runs(design.study, configurations, records)
    return Results(records, runs, summarise(runs))


def _runs(study: str, configurations: Sequence[Configuration], records: Sequence[dict[str, Any]]) -> pd.DataFrame:
    rows = [
        {
            **record,
            "study": study,
            "stage": configuration.stage,
            "strategy": configuration.strategy,
            "dataset": configuration.dataset,
            "network": configuration.network,
            "target_density": configuration.target_density,
            "seed": configuration.seed,
            "config": json.dumps(record["config"], sort_keys=True),
        }
        for configuration, record in zip(configurations, records, strict=True)
    ]
    table = pd.DataFrame(rows, columns=list(RUN_COLUMNS))
    # Nullable, so that a failed run among them does not turn whole numbers into 25.0.
    return table.astype(dict.fromkeys(("epochs", "chosen_epoch", "dead_blocks"), "Int64"))


def summarise(runs: pd.DataFrame) -> pd.DataFrame:
    """Aggregate evaluation runs, one row per ``GROUP``; every run counts, whatever its status.

    Errors are over all seeds, failed runs at the chance floor. Densities, multiply-adds and seconds are means over the
    runs that finished. The order of rows in ``runs`` changes nothing but the order of groups.
    """
    rows = [
        {**dict(zip(GROUP, key, strict=True)), **_summary_row(group.sort_values("seed"))}
        for key, group in with_counted_errors(runs).groupby(list(GROUP), sort=False)
    ]
    return pd.DataFrame(rows)


def _summary_row(group: pd.DataFrame) -> dict[str, Any]:
    errors = group["error"].tolist()
    low, high = t_interval(errors)
    ok = group[~group["failed"]]

    def mean_of(column: str) -> float:
        return float(ok[column].astype(float).mean()) if len(ok) else np.nan

    return {
        "n": len(errors),
        "failures": int(group["failed"].sum()),
        "mean": float(np.mean(errors)),
        "ci_low": low,
        "ci_high": high,
        "std": float(np.std(errors, ddof=1)) if len(errors) > 1 else np.nan,
        "iqm": interquartile_mean(errors),
        "median": float(np.median(errors)),
        "test_error_fallback": mean_of("test_error_fallback"),
        "test_density": mean_of("test_density"),
        "all_closed": mean_of("all_closed"),
        "dead_blocks": mean_of("dead_blocks"),
        "test_macs": mean_of("test_macs"),
        "dense_macs": mean_of("dense_macs"),
        "train_macs": mean_of("train_macs"),
        "train_seconds": mean_of("train_seconds"),
        "optimism_seed": np.nan,
        "optimism_split": mean_of("test_error") - mean_of("validation_error"),
    }
