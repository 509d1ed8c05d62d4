"""What each arm came to: its error, density and cost over the evaluation seeds."""

from typing import Any

import numpy as np
import pandas as pd

from studies.formatting import count, interval, number, percent
from studies.results import origin
from studies.results.examples.covered import over
from studies.results.examples.hits import Hits
from studies.results.results import GROUP, Results, with_counted_errors
from studies.results.statistics.intervals import interquartile_mean, rate_interval, sample_std, t_interval
from studies.results.statistics.random_effects.seeds_and_examples import error_interval, error_variance
from studies.results.table import Column, Table, setting_columns


def summarise(runs: pd.DataFrame, optimism: pd.DataFrame | None = None, hits: Hits | None = None) -> pd.DataFrame:
    """Aggregate the selected configurations' runs on the evaluation seeds, one row per ``GROUP``.

    Failures are a hurdle: ``failures`` of ``n`` runs failed, with the exact interval of that rate, and errors are of
    the others, conditional on their success. ``floored_mean`` counts failed runs at the chance floor, for those who
    want one number, and has no interval. Densities, multiply-adds and seconds are means over the runs that were tested.
    The order of rows in ``runs`` changes nothing but the order of groups.

    The interval of the mean error is over seeds and test examples
    (:func:`studies.results.statistics.random_effects.seeds_and_examples.error_interval`), and ``example_std`` is the
    standard error that examples make beyond what seeds show. Where a record does not say which examples the network was
    right on, it is missing, and the interval is that of t over seeds alone.

    Args:
        runs: ``RUN_COLUMNS``.
        optimism: of :func:`studies.results.optimism.measure_optimism`, if there was a search.
        hits: what the runs came to on their test examples.
    """
    counted = with_counted_errors(runs)
    rows = [
        {**dict(zip(GROUP, key, strict=True)), **_summary_row(group.sort_values("seed"), hits or Hits())}
        for key, group in counted[counted["selected"]].groupby(list(GROUP), sort=False)
    ]
    summary = pd.DataFrame(rows)
    if optimism is None or optimism.empty:
        return summary.assign(optimism_seed=np.nan, procedure_mean=np.nan, **dict.fromkeys(_PROCEDURE_ENDS, np.nan))
    columns = [*GROUP, "optimism_seed", "procedure_mean", *_PROCEDURE_ENDS]
    return summary.merge(optimism[columns], on=list(GROUP), how="left", validate="one_to_one")


_PROCEDURE_ENDS = ("procedure_ci_low", "procedure_ci_high")


def _summary_row(group: pd.DataFrame, hits: Hits) -> dict[str, Any]:
    failures, n = int(group["failed"].sum()), len(group)
    failure_low, failure_high = rate_interval(failures, n)
    there = group[~group["failed"]]
    errors = there["error"].tolist()
    tested = hits.all_of(((run, 1.0),) for run in there["run_id"]) if hits else None
    low, high = t_interval(errors) if tested is None else error_interval(errors, tested)
    # With those that failed for nothing but their density, which has to be seen.
    ended = group[group["test_density"].notna()]

    def mean_of(column: str) -> float:
        return float(ended[column].astype(float).mean()) if len(ended) else np.nan

    return {
        "n": n,
        "failures": failures,
        "failure_low": failure_low,
        "failure_high": failure_high,
        "over_budget": int(group["over_budget"].sum()),
        "mean": float(np.mean(errors)) if errors else np.nan,
        "ci_low": low,
        "ci_high": high,
        "std": sample_std(errors),
        "example_std": np.nan if tested is None else float(np.sqrt(error_variance(errors, tested))),
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
    }


def _numbers(results: Results) -> pd.DataFrame:
    """The summary, with the verdict that all primary contrasts of an arm in a setting have in common, if any."""
    primary = results.contrasts[results.contrasts["primary"].astype(bool)]
    verdicts = primary.groupby(list(GROUP), sort=False)["verdict"].agg(
        lambda found: found.iloc[0] if found.nunique() == 1 else ""
    )
    summary = results.summary.merge(verdicts.reset_index(), on=list(GROUP), how="left", validate="one_to_one")
    return summary.assign(verdict=summary["verdict"].fillna(""))


def _share_of_dense(macs: float, dense_macs: float) -> str:
    return percent(macs / dense_macs)


def _caption(results: Results) -> str:
    decided = results.contrasts[results.contrasts["verdict"] != ""]
    references = ", ".join(sorted(set(decided["reference"])))
    marks = f" Marked are verdicts against {references}: bold is better, ≈ equivalent, ↓ worse." if references else ""
    mixed = " Runs are from more than one code." if origin.is_mixed(results.all_records) else ""
    search = results.protocol.search
    selected, procedure = "", ""
    if search is not None:
        selected = " of the configuration that the first search selected,"
        seeds = min(search.rerun_seeds, results.protocol.seeds)
        procedure = (
            " “Procedure” is the error to expect of one search and its winner: the mean over the winners of "
            f"{search.searches} searches, on the first {seeds} seeds."
        )
    return (
        f"Test error over {results.protocol.seeds} paired seeds{selected} of the runs that did not fail, with the 95 % "
        f"interval of its mean over {over(results.summary)}. Densities and multiply-adds (MACs) are realised on the "
        "test split, those of "
        f"the gater included.{procedure}{marks}{mixed}"
    )


SUMMARY = Table(
    name="summary",
    title="Results",
    numbers=_numbers,
    columns=(
        Column("arm", "arm"),
        *setting_columns(),
        Column("n", "n", str),
        Column("mean", "test error", percent, verdict="verdict"),
        Column("ci_low", "95 % interval", interval, keys=("ci_low", "ci_high")),
        Column("procedure_mean", "procedure", percent),
        Column("test_density", "density", percent),
        Column("test_macs", "MACs", count, outputs=("paper", "page")),
        Column("test_macs", "MACs / dense", _share_of_dense, keys=("test_macs", "dense_macs")),
        Column("failures", "failed", str, flag=bool),
        Column(
            "failure_high",
            "failure rate",
            lambda low, high: interval(low, high, 0),
            keys=("failure_low", "failure_high"),
            outputs=("page",),
            note="“Failure rate”: the exact 95 % interval (Clopper and Pearson).",
        ),
        Column(
            "floored_mean",
            "floored",
            percent,
            outputs=("page",),
            note="“Floored”: the mean error with failed runs at the chance floor; it allows no interval.",
        ),
        Column(
            "over_budget",
            "over budget",
            str,
            outputs=("page",),
            flag=bool,
            note="“Over budget”: runs whose density on test examples exceeds the target by more than the tolerance.",
        ),
        Column("std", "std", percent, outputs=("page",)),
        Column(
            "iqm",
            "IQM",
            percent,
            outputs=("page",),
            note="The IQM (25 % trimmed mean) hides failures: read it beside their number.",
        ),
        Column(
            "test_error_fallback",
            "with fallback",
            percent,
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
