"""What each arm came to: its error, density and cost over the evaluation seeds."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.data import Metric, metric_of
from studies.design.protocol import Search
from studies.formatting import count, interval, number, percent
from studies.metric import error_interval_text, error_text
from studies.results import origin
from studies.results.examples.covered import over
from studies.results.examples.tested import TestedRuns
from studies.results.external import MARK, ExternalResults
from studies.results.independent import independent, independent_error_interval
from studies.results.results import GROUP, Results, error_ceiling, with_counted_errors
from studies.results.statistics.intervals import (
    clustered_rate_interval,
    interquartile_mean,
    rate_interval,
    sample_std,
    t_interval,
)
from studies.results.statistics.random_effects.seeds_and_examples import (
    error_interval,
    error_variance,
    example_variance,
    mean_interval,
)
from studies.results.table import Column, Table, setting_columns

_INTERVALS: Mapping[Metric, Callable[..., tuple[float, float]]] = {"error": error_interval, "bits": mean_interval}
_VARIANCES: Mapping[Metric, Callable[..., float]] = {
    "error": error_variance,
    "bits": lambda _, tested: example_variance(tested),
}


def summarise(runs: pd.DataFrame, search: Search | None = None, tested_runs: TestedRuns | None = None) -> pd.DataFrame:
    """Aggregate the runs on the evaluation seeds, one row per ``GROUP``.

    After a search they are of the *procedure*, to search once and take the winner: ``mean`` is the mean over searches,
    each with the seeds of its own winner, ``ci_low`` and ``ci_high`` are over searches and seeds and within what errors
    can be, and the interval of the failure rate takes the runs of one winner as one. Numbers that begin with
    ``selected`` are of the first search's winner alone, on its seeds: of what this one search happened to find.

    Failures are a hurdle: ``failures`` of ``n`` runs failed, with the exact interval of that rate, and errors are of
    the others, conditional on their success. ``floored_mean`` counts failed runs at the chance floor, for those who
    want one number, and has no interval. Densities, multiply-adds and seconds are means over the runs that were tested.
    The order of rows in ``runs`` changes nothing but the order of groups.

    The interval of the mean error is over seeds and test examples
    (:func:`studies.results.statistics.random_effects.seeds_and_examples.error_interval`, of bits ``mean_interval``
    there), and ``example_std`` is the
    standard error that examples make beyond what seeds show. Where a record does not say which examples the network was
    right on, it is missing, and the interval is that of t over seeds alone.

    Args:
        runs: ``RUN_COLUMNS``.
        search: of the study, if there was one.
        tested_runs: what the runs came to on their test examples.
    """
    counted = with_counted_errors(runs)
    rows = [
        {
            **dict(zip(GROUP, key, strict=True)),
            **_summary_row(group.sort_values("seed"), search, tested_runs or TestedRuns()),
        }
        for key, group in counted[counted["selected"]].groupby(list(GROUP), sort=False)
    ]
    return pd.DataFrame(rows)


def _summary_row(group: pd.DataFrame, search: Search | None, tested_runs: TestedRuns) -> dict[str, Any]:
    failures, n = int(group["failed"].sum()), len(group)
    there = group[~group["failed"]]
    units = independent(there.set_index("seed")["error"], search)
    metric = metric_of(group["dataset"].iloc[0])
    errors = there["error"].tolist()
    # The searches of a study share their test examples.
    tested = tested_runs.all_of(((run, 1.0),) for run in there["run_id"]) if tested_runs and search is None else None
    if search is not None:
        failure_low, failure_high = clustered_rate_interval(failures, n, search.searches)
        low, high = independent_error_interval(units, error_ceiling(group))
    else:
        failure_low, failure_high = rate_interval(failures, n)
        low, high = t_interval(errors) if tested is None else _INTERVALS[metric](errors, tested)
    # With those that failed for nothing but their density, which has to be seen.
    ended = group[group["test_density"].notna()]

    def mean_of(column: str) -> float:
        return float(ended[column].astype(float).mean()) if len(ended) else np.nan

    return {
        "n": n,
        "units": len(units),
        "failures": failures,
        "failure_low": failure_low,
        "failure_high": failure_high,
        "over_budget": int(group["over_budget"].sum()),
        "mean": float(np.mean(units)) if errors else np.nan,
        "ci_low": low,
        "ci_high": high,
        "std": sample_std(errors),
        "example_std": np.nan if tested is None else float(np.sqrt(_VARIANCES[metric](errors, tested))),
        "floored_mean": float(group["error"].mean()),
        "iqm": interquartile_mean(errors) if errors else np.nan,
        "median": float(np.median(errors)) if errors else np.nan,
        "test_error_fallback": mean_of("test_error_fallback"),
        "test_density": mean_of("test_density"),
        "all_closed": mean_of("all_closed"),
        "dead_blocks": mean_of("dead_blocks"),
        "test_macs": mean_of("test_macs"),
        "dense_macs": mean_of("dense_macs"),
        "train_macs": mean_of("train_macs"),
        "train_seconds": mean_of("train_seconds"),
        "optimism_split": float(group["error"].mean() - group["counted_validation_error"].mean()),
        **_selected(group, search),
    }


def _selected(group: pd.DataFrame, search: Search | None) -> dict[str, Any]:
    """What the first search's winner came to; missing without a search."""
    if search is None:
        return dict.fromkeys(("selected_n", "selected_mean", "selected_ci_low", "selected_ci_high"), np.nan)
    own = group[(group["search"] == 0) & ~group["failed"]].set_index("seed")["error"]
    low, high = independent_error_interval(own, error_ceiling(group))
    mean = float(own.mean()) if len(own) else np.nan
    return {"selected_n": len(own), "selected_mean": mean, "selected_ci_low": low, "selected_ci_high": high}


def _numbers(results: Results) -> pd.DataFrame:
    """The summary, with the verdict that all primary contrasts of an arm in a setting have in common, if any.

    The floored mean is left out where no run failed: there it is the mean. What others found comes last.
    """
    primary = results.contrasts[results.contrasts["primary"].astype(bool)]
    verdicts = primary.groupby(list(GROUP), sort=False)["verdict"].agg(
        lambda found: found.iloc[0] if found.nunique() == 1 else ""
    )
    summary = results.summary.merge(verdicts.reset_index(), on=list(GROUP), how="left", validate="one_to_one")
    floored = summary["floored_mean"].where(summary["failures"] > 0)
    own = summary.assign(verdict=summary["verdict"].fillna(""), floored_mean=floored)
    return _with_external(own, results) if results.external else own


def _with_external(own: pd.DataFrame, results: Results) -> pd.DataFrame:
    # Whole numbers that others do not say, which would become 3.0 beside a missing one.
    unsaid = [column for column in ("units", "failures", "over_budget", "selected_n") if column in own]
    others = pd.concat([each.summary for each in results.external], ignore_index=True)
    others = others.assign(verdict="", **{column: pd.Series([None] * len(others), dtype=object) for column in unsaid})
    others["dense_macs"] = [_dense_macs(own, row) for row in others.to_dict("records")]
    return pd.concat([own.astype(dict.fromkeys(unsaid, object)), others], ignore_index=True)


def _share_of_dense(macs: float, dense_macs: float) -> str:
    return percent(macs / dense_macs)


def _caption(results: Results) -> str:
    marks = ""
    if (results.contrasts["verdict"] != "").any():
        marks = (
            " Marked is the verdict that all primary contrasts of an arm have in common: bold is better, ≈ equivalent, "
            "↓ worse."
        )
    mixed = " Runs are from more than one code." if origin.is_mixed(results.all_records) else ""
    protocol = results.protocol
    if protocol.search is None:
        said = (
            f"Test error over {protocol.seeds} paired seeds of the runs that did not fail, with "
            f"{interval_kind(results)}."
        )
    else:
        said = (
            "Test error of the procedure, to search once and take the winner: of the runs that did not fail, the mean "
            f"over the winners of R = {protocol.search.searches} searches, each on {protocol.seeds} fresh seeds of its "
            f"own, with {interval_kind(results)}."
        )
    return (
        f"{said} Densities and multiply-adds (MACs) are realised on the test split, those of the gater included."
        f"{marks}{mixed}{external_note(results)}"
    )


def _dense_macs(own: pd.DataFrame, row: dict[Any, Any]) -> float:
    """Return the multiply-adds of the dense network that a row of others stands beside; NaN if there are several."""
    beside = own[(own["dataset"] == row["dataset"]) & (pd.isna(row["network"]) | (own["network"] == row["network"]))]
    found = beside["dense_macs"].dropna().unique()
    return float(found[0]) if len(found) == 1 else np.nan


def external_note(results: Results) -> str:
    """Say where what stands beside a study is from, in sentences that follow others; nothing if nothing does."""
    if not results.external:
        return ""
    files = " and ".join(each.file for each in results.external)
    return (
        f" Arms marked {MARK} are from {files}. They were not run here, are of other seeds and test examples, and take "
        f"part in no test or verdict; {_intervals_of(results.external)}."
    )


def _intervals_of(external: Sequence[ExternalResults]) -> str:
    said = []
    if any(len(each.runs) for each in external):
        said.append("of their runs, intervals are those of t over seeds alone")
    means = [each for each in external if each.runs.empty]
    if means and any(each.summary["ci_low"].notna().any() for each in means):
        said.append("of their means, intervals are as the file has them")
    return ", and ".join(said) or "they have no intervals"


def interval_kind(results: Results) -> str:
    """Say what the interval of a mean error is."""
    if results.protocol.search is None:
        return f"the 95 % t interval of its mean over {over(results.summary)}"
    return "the 95 % interval of that mean over searches and seeds (t, on the logit scale)"


SUMMARY = Table(
    name="summary",
    title="Results",
    numbers=_numbers,
    columns=(
        Column("arm", "arm"),
        *setting_columns(),
        Column("n", "n", str),
        Column("mean", "test error", error_text, keys=("dataset", "mean"), verdict="verdict"),
        Column("ci_low", "95 % interval", error_interval_text, keys=("dataset", "ci_low", "ci_high")),
        Column(
            "selected_mean",
            "first winner",
            error_text,
            keys=("dataset", "selected_mean"),
            note=(
                "“First winner” is what the first search happened to find, on its own seeds: it says nothing of "
                "another search, and has no verdict."
            ),
        ),
        Column("test_density", "density", percent),
        Column("test_macs", "MACs", count, outputs=("paper", "page")),
        Column("test_macs", "MACs / dense", _share_of_dense, keys=("test_macs", "dense_macs")),
        Column("failures", "failed", count, flag=bool),
        Column(
            "failure_high",
            "failure rate",
            lambda low, high: interval(low, high, 0),
            keys=("failure_low", "failure_high"),
            outputs=("page",),
            varying=True,
            note=(
                "“Failure rate”: the exact 95 % interval (Clopper and Pearson), for which the runs of one search's "
                "winner count as one."
            ),
        ),
        Column(
            "floored_mean",
            "floored",
            error_text,
            keys=("dataset", "floored_mean"),
            outputs=("page",),
            note="“Floored”: the mean error with failed runs at the chance floor; it allows no interval.",
        ),
        Column(
            "over_budget",
            "over budget",
            count,
            outputs=("page",),
            varying=True,
            flag=bool,
            note="“Over budget”: runs whose density on test examples exceeds the target by more than the tolerance.",
        ),
        Column("std", "std", error_text, keys=("dataset", "std"), outputs=("page",)),
        Column(
            "iqm",
            "IQM",
            error_text,
            keys=("dataset", "iqm"),
            outputs=("page",),
            note="The IQM (25 % trimmed mean) hides failures: read it beside their number.",
        ),
        Column(
            "test_error_fallback",
            "with fallback",
            error_text,
            keys=("dataset", "test_error_fallback"),
            outputs=("page",),
            note=(
                "“With fallback” is the error when an example that has a layer fully closed gets that layer's most "
                "likely block opened; a dash means that this cannot happen."
            ),
        ),
        Column("all_closed", "all closed", percent, outputs=("page",)),
        Column("dead_blocks", "dead blocks", lambda blocks: number(blocks, 1), outputs=("page",)),
    ),
    caption=_caption,
)
