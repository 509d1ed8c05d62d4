"""A search from its first run to its report: real training without Ray, or invented records."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import special, stats

import strategies
from core.data import Dataset, Splits, load, split
from core.seeding import SeedStreams
from studies.design import Search
from studies.design.freezing import FrozenStudy
from studies.design.runs import RunList
from studies.records.folder import ResultsFolder
from studies.results import Results
from studies.results.collecting import collect
from studies.results.statistics.curves import expected_maximum_of_normals
from studies.results.statistics.looks import repeated_interval
from studies.running import trial
from tests.support.records import CHANCE, design_of, finished, forget, record_of
from tests.support.reports import report_on

SEARCH = Search(points=3, seeds=1, searches=2, rerun_seeds=2)
KEY = ["dataset", "network", "target_density", "arm"]


def searched(*names: str, search: Search = SEARCH, seeds: int = 3, **changes) -> FrozenStudy:
    return design_of(*names, seeds=seeds, search=search, test_split="fixed", **changes)


def train_all(design: FrozenStudy, folder: ResultsFolder) -> Results:
    dataset = load("digits")
    for stage in ("search", "evaluate"):
        for run in RunList.of(design, folder.ledger).runs:
            configuration = run.configuration
            if configuration.stage == stage:
                record = trial.execute(configuration, strategies.find(configuration.strategy), dataset)
                folder.ledger.add({**record, "design_hash": design.design_hash})
    return collect(design, folder.ledger)


@pytest.mark.slow
def test_scrambling_the_test_labels_leaves_the_selection_unchanged(tmp_path, monkeypatch):
    design = searched("dense", "top_k", seeds=2, training={"epochs": 2}, densities=(0.25,))
    plain = train_all(design, ResultsFolder(tmp_path / "plain", design.study))

    def scrambled(dataset: Dataset, streams: SeedStreams, test_split: str) -> Splits:
        splits = split(dataset, streams, "fixed")
        if splits.test is None:
            return splits
        order = torch.randperm(len(splits.test.y), generator=torch.Generator().manual_seed(0))
        return replace(splits, test=replace(splits.test, y=splits.test.y[order]))

    monkeypatch.setattr(trial, "split", scrambled)
    blind = train_all(design, ResultsFolder(tmp_path / "blind", design.study))
    pd.testing.assert_frame_equal(plain.winners, blind.winners)
    assert plain.runs.run_id.tolist() == blind.runs.run_id.tolist()
    assert plain.runs.validation_error.tolist() == blind.runs.validation_error.tolist()
    fresh = plain.runs.stage == "evaluate"
    assert (plain.runs.test_error[fresh] < 0.75).all()
    assert (blind.runs.test_error[fresh] > 0.8).all()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> ResultsFolder:
    """Three strategies, two densities, a failure in the search and one in the evaluation."""
    design = searched("dense", "small_dense", "reinforce", seeds=4, densities=(0.25, 0.5))
    failures = {("reinforce", 1000): "nan", ("reinforce", 2): "diverged"}
    made = finished(tmp_path_factory.mktemp("searched"), design, failures)
    report_on(made)
    return made


def read(folder: ResultsFolder, name: str) -> pd.DataFrame:
    return pd.read_csv(folder.path / f"{name}.csv", keep_default_na=False, na_values=[""])


def test_anyone_can_compute_the_summary_from_runs_csv(folder):
    runs, summary = read(folder, "runs"), read(folder, "summary")
    chosen = runs[runs.selected].copy()
    chosen["error"] = chosen.test_error.where(chosen.status == "ok")
    table = chosen.groupby(KEY, sort=False).error.agg(["mean", "std", "median", "count"]).reset_index()
    half = np.hypot(
        stats.t.ppf(0.975, table["count"] - 1) * table["std"] / table["count"] ** 0.5, 1.959964 * summary.example_std
    )
    middle, stretched = special.logit(table["mean"]), half / (table["mean"] * (1 - table["mean"]))
    np.testing.assert_allclose(summary["mean"], table["mean"])
    np.testing.assert_allclose(summary.ci_low, special.expit(middle - stretched), rtol=1e-5)
    np.testing.assert_allclose(summary.ci_high, special.expit(middle + stretched), rtol=1e-5)
    np.testing.assert_allclose(summary["median"], table["median"])
    assert (summary.n - summary.failures).tolist() == table["count"].tolist()
    assert summary.failures.sum() == 2


def test_anyone_can_compute_the_contrasts_from_runs_csv(folder):
    runs, contrasts = read(folder, "runs"), read(folder, "contrasts")
    runs["error"] = runs.test_error.where(runs.status == "ok")
    table = runs[runs.selected].pivot_table(index=[*KEY[:3], "seed"], columns="arm", values="error", sort=False)
    paired = (table.reinforce - table.small_dense).unstack("seed")
    rows = [row[np.isfinite(row)].tolist() for row in paired.to_numpy()]
    flips = [float(stats.permutation_test((row,), np.mean, permutation_type="samples").pvalue) for row in rows]
    np.testing.assert_allclose(contrasts.difference, paired.mean(axis=1))
    # Two primary contrasts, and one look.
    lows = [
        repeated_interval(row, 0.025, example_variance=std**2)[0]
        for row, std in zip(rows, contrasts.example_std, strict=True)
    ]
    np.testing.assert_allclose(contrasts.ci_low, lows)
    assert (contrasts.example_std > 0).all()
    np.testing.assert_allclose(contrasts.p, flips)
    np.testing.assert_allclose(contrasts.delta, 0.05 * contrasts.reference_error)
    assert contrasts.withheld.tolist() == ["runs failed"] * 2


def test_anyone_can_compute_the_optimism_from_the_tables(folder):
    runs, winners, optimism = (read(folder, name) for name in ("runs", "winners", "optimism"))
    assert len(optimism) == 6
    for row in optimism.to_dict("records"):
        own = winners[(winners[KEY] == [row[name] for name in KEY]).all(axis=1)]
        assert own.search.tolist() == [0, 1]
        fresh = [runs[(runs.setting_id == setting) & (runs.stage == "evaluate")] for setting in own.setting_id]
        errors = [one.test_error.where(one.status == "ok", CHANCE) for one in fresh]
        validation = [one.validation_error.where(one.status == "ok", CHANCE) for one in fresh]
        searched_error = own.validation_error.tolist()
        assert row["optimism_seed"] == pytest.approx(validation[0].mean() - searched_error[0])
        assert row["optimism_split"] == pytest.approx(errors[0].mean() - validation[0].mean())
        low, high = stats.ttest_1samp(errors[0] - searched_error[0], 0.0).confidence_interval()
        assert (row["ci_low"], row["ci_high"]) == pytest.approx((low, high))
        early = [one[one.index[:2]].mean() for one in errors]
        assert row["procedure_mean"] == pytest.approx(np.mean(early))
        assert row["procedure_optimism"] == pytest.approx(np.mean(np.subtract(early, searched_error)))


def test_runs_csv_says_where_each_run_belongs(folder):
    runs = read(folder, "runs")
    search = runs[runs.stage == "search"]
    assert len(search) == 2 * 3 * 3 * 2
    assert search.test_error.isna().all()
    assert search.test_density.isna().all()
    assert not search.selected.any()
    assert set(search.search) == {0, 1}
    assert set(search.point) == {0, 1, 2}
    fresh = runs[runs.stage == "evaluate"]
    assert fresh[fresh.selected].search.eq(0).all()
    assert not runs.run_id.duplicated().any()


def test_the_report_tells_of_the_search(folder):
    page = (folder.path / "report.html").read_text("utf-8")
    for expected in ("K = 3 points, S = 1 tuning", "R = 2 independent searches", "What the search flatters"):
        assert expected in page


def test_tables_of_a_search_go_with_it(tmp_path):
    made = finished(tmp_path, searched())
    report_on(made)
    assert {"winners.csv", "optimism.csv"} <= {path.name for path in made.path.iterdir()}
    assert (made.path / "tables" / "optimism.tex").exists()
    made = finished(tmp_path, design_of(seeds=2))
    report_on(made)
    assert not {"winners.csv", "optimism.csv"} & {path.name for path in made.path.iterdir()}
    assert not (made.path / "tables" / "optimism.tex").exists()


def deterministic(run, errors, noise) -> dict[str, object]:
    """A record whose validation and test error are the point's own, and noise that the seed alone decides."""
    record = record_of(run.configuration)
    seed = run.configuration.seed
    error = errors(run) + (float(np.random.default_rng([seed, run.point or 0]).normal(0, noise)) if noise else 0.0)
    measures = (
        {"validation_error": error, "test_error": error, "test_hits": None}
        if run.configuration.stage == "evaluate"
        else {"validation_error": error}
    )
    return record | measures


def fill(design: FrozenStudy, folder: ResultsFolder, noise: float) -> Results:
    for stage in ("search", "evaluate"):
        for run in RunList.of(design, folder.ledger).runs:
            if run.configuration.stage == stage:
                folder.ledger.add({**deterministic(run, lambda _: 0.4, noise), "design_hash": ""})
    return collect(design, folder.ledger)


def test_a_deterministic_run_has_no_optimism(tmp_path):
    results = fill(searched("dense"), ResultsFolder(tmp_path, "quickstart"), noise=0.0)
    row = results.optimism.iloc[0]
    assert row["optimism_seed"] == pytest.approx(0.0, abs=1e-12)
    assert row["procedure_optimism"] == pytest.approx(0.0, abs=1e-12)


@pytest.mark.slow
def test_under_equal_noise_the_searchs_optimism_is_the_winners_curse(tmp_path):
    # 60 searches of 8 points: the mean of their curses has a standard error of 0.08 sigma.
    search = Search(points=8, seeds=2, searches=60, rerun_seeds=20)
    results = fill(searched("dense", search=search, seeds=20), ResultsFolder(tmp_path, "quickstart"), noise=0.05)
    row = results.optimism.iloc[0]
    expected = 0.05 * expected_maximum_of_normals(8) / np.sqrt(2)
    assert row["procedure_optimism_seed"] == pytest.approx(expected, abs=4 * 0.08 * 0.05)
    assert row["procedure_optimism_seed"] > 0.03


def test_missing_runs_of_a_search_are_counted(folder, tmp_path: Path):
    made = finished(tmp_path, searched())
    forget(made, RunList.of(searched(), made.ledger).search[0].configuration.run_id)
    with pytest.raises(Exception, match="1 of 12 runs of 'quickstart' are missing in the search"):
        collect(searched(), made.ledger)
