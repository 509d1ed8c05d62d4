"""Passes by difficulty, and error at equal compute."""

import numpy as np
import pandas as pd

from studies.catalogue.passes import HALTING_TAKEN_AWAY
from studies.catalogue.passes.difficulty import FIFTHS, passes_by_difficulty
from studies.formatting import count, number
from studies.metric import difference_text, difference_units, error_text
from studies.report.drawing.by_level import by_level
from studies.report.drawing.error_against import error_against
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import Labels
from studies.report.figures.forest import FOREST
from studies.results import GROUP, Results
from studies.results.equal_compute import beyond_front
from studies.results.statistics.intervals import t_interval
from studies.results.table import Column, Table


def _numbers(results: Results) -> pd.DataFrame:
    """A row per arm: what it took, whether that followed difficulty, and errors against fronts at equal compute."""
    runs = results.counted
    fixed = runs[runs["arm"].isin([arm.name for arm in HALTING_TAKEN_AWAY])]
    curves = {"fixed": fixed, "dense": results.front}
    beyond = runs.assign(**{name: beyond_front(runs, curve) for name, curve in curves.items()}).groupby(list(GROUP))
    tracked = passes_by_difficulty(results)
    by_arm = tracked.groupby(list(GROUP))
    rows = []
    for row in results.summary.to_dict("records"):
        key = tuple(row[column] for column in GROUP)
        own = by_arm.get_group(key) if key in by_arm.groups else tracked.head(0)
        found = {column: row[column] for column in (*GROUP, "n", "failures", "mean", "test_macs")}
        found |= _mean("mean_passes", own["mean_passes"]) | _mean("spearman", own["spearman"])
        for name in curves:
            found |= _mean(f"beyond_{name}", beyond.get_group(key)[name])
        rows.append(found)
    return pd.DataFrame(rows)


def _mean(name: str, values: "pd.Series[float]") -> dict[str, float]:
    """The mean over seeds with its interval, as far as there are values."""
    there = values.dropna().tolist()
    low, high = t_interval(there) if there else (np.nan, np.nan)
    mean = float(np.mean(there)) if there else np.nan
    return {name: mean, f"{name}_low": low, f"{name}_high": high, f"{name}_n": len(there)}


def _by_fifth(results: Results) -> pd.DataFrame:
    """Mean passes in each fifth of the test examples, of arms whose passes are not the same for all."""
    runs = passes_by_difficulty(results)
    rows = []
    for key, group in runs[runs["spearman"].notna()].groupby([*GROUP, "family"], sort=False):
        for fifth in FIFTHS:
            low, high = t_interval(group[fifth].tolist())
            where = dict(zip((*GROUP, "family"), key, strict=True))
            rows.append({**where, "level": fifth, "value": group[fifth].mean(), "low": low, "high": high})
    return pd.DataFrame(rows)


def _series(results: Results) -> pd.DataFrame:
    """Arms whose names begin alike are joined."""
    runs = results.counted
    return runs[["family"]].assign(series=runs["arm"].str.partition(", ")[0])


PASSES = Table(
    name="passes",
    title="Passes, difficulty, and error at equal compute",
    numbers=_numbers,
    columns=(
        Column("dataset", "dataset"),
        Column("arm", "arm"),
        Column("mean", "error", error_text, keys=("dataset", "mean")),
        Column("test_macs", "MACs", count),
        Column("mean_passes", "passes", lambda value: number(value, 2)),
        Column("spearman", "rank correlation", lambda value: number(value, 2)),
        Column("spearman_low", "from", lambda value: number(value, 2)),
        Column("spearman_high", "to", lambda value: number(value, 2)),
        Column("beyond_fixed", "minus fixed passes", difference_text, keys=("dataset", "beyond_fixed")),
        Column("beyond_fixed_low", "from", difference_text, keys=("dataset", "beyond_fixed_low")),
        Column("beyond_fixed_high", "to", difference_text, keys=("dataset", "beyond_fixed_high")),
        Column("beyond_dense", "minus dense", difference_text, keys=("dataset", "beyond_dense")),
        Column("beyond_dense_low", "from", difference_text, keys=("dataset", "beyond_dense_low")),
        Column("beyond_dense_high", "to", difference_text, keys=("dataset", "beyond_dense_high")),
    ),
    caption=lambda results: (
        "Mean passes per test example as they were executed; Spearman's rank correlation of passes with the difficulty "
        "of an example, its mean loss under small_dense over all seeds, the same test examples in all; and test error "
        "minus that of a fixed number of passes of 2 blocks, and of the dense front, at the same multiply-adds, read "
        "off straight lines between their runs on the same seed, over the logarithm of multiply-adds: in "
        f"{difference_units(results.runs)}, negative is better. All with 95 % t intervals over seeds. "
        + sample_note(results)
    ),
)

FIGURES = (
    by_level(
        "passes_by_difficulty",
        "Passes by difficulty",
        Labels("fifth of the test examples, by mean loss under small_dense", "passes per example"),
        _by_fifth,
        "Mean passes of the test examples in each fifth of difficulty, with 95 % t intervals over seeds.",
        by=("dataset", "network", "target_density"),
        lines=True,
    ),
    error_against(
        "error_against_compute",
        "Error against compute, prices joined",
        "realised MACs per test example",
        lambda results: results.counted["test_macs"],
        "Test error against realised multiply-adds per test example, every pass included.",
        series=_series,
        by=("dataset",),
        log=True,
    ),
    FOREST,
)

TABLES = (PASSES,)
