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

SEARCH = Search(points=3, seeds=1, searches=3)
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

    def scrambled(dataset: Dataset, streams: SeedStreams, test_split: str, **_: int) -> Splits:
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
    assert plain.runs.test_error[fresh].mean() < 0.7
    assert (blind.runs.test_error[fresh] > 0.8).all()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> ResultsFolder:
    """Three strategies, two densities, a failure in the search and one in the evaluation."""
    design = searched("dense", "small_dense", "reinforce", seeds=4, densities=(0.25, 0.5))
    failures = {("reinforce", 1000): "nan", ("reinforce", 10_002): "diverged"}
    made = finished(tmp_path_factory.mktemp("searched"), design, failures)
    report_on(made)
    return made


def read(folder: ResultsFolder, name: str) -> pd.DataFrame:
    return pd.read_csv(folder.path / f"{name}.csv", keep_default_na=False, na_values=[""])


def test_anyone_can_compute_the_summary_from_runs_csv(folder):
    runs, summary = read(folder, "runs"), read(folder, "summary")
    chosen = runs[runs.selected].copy()
    chosen["error"] = chosen.test_error.where(chosen.status == "ok")
    of_searches = chosen.groupby([*KEY, "search"], sort=False).error.mean()
    table = of_searches.groupby(KEY, sort=False).agg(["mean", "std", "count"]).reset_index()
    assert (table["count"] == 3).all()
    # The t interval over searches, on the logit scale.
    half = stats.t.ppf(0.975, 2) * table["std"] / 3**0.5 / (table["mean"] * (1 - table["mean"]))
    np.testing.assert_allclose(summary["mean"], table["mean"])
    np.testing.assert_allclose(special.logit(summary.ci_low), special.logit(table["mean"]) - half)
    np.testing.assert_allclose(special.logit(summary.ci_high), special.logit(table["mean"]) + half)
    runs_of = chosen.groupby(KEY, sort=False).error.agg(["median", "count"]).reset_index()
    np.testing.assert_allclose(summary["median"], runs_of["median"])
    assert (summary.n == 3 * 4).all()
    assert (summary.n - summary.failures).tolist() == runs_of["count"].tolist()
    assert summary.failures.sum() == 2
    first = chosen[chosen.search == 0].groupby(KEY, sort=False).error.mean()
    np.testing.assert_allclose(summary.selected_mean, first)


def test_anyone_can_compute_the_contrasts_from_runs_csv(folder):
    runs, contrasts = read(folder, "runs"), read(folder, "contrasts")
    runs["error"] = runs.test_error.where(runs.status == "ok")
    table = runs[runs.selected].pivot_table(index=[*KEY[:3], "seed"], columns="arm", values="error", sort=False)
    paired = (table.reinforce - table.small_dense).dropna().reset_index(name="difference")
    paired["search"] = paired.seed // 10_000
    paired = paired.groupby([*KEY[:3], "search"], sort=False).difference.mean().unstack("search")
    rows = paired.to_numpy().tolist()
    flips = [float(stats.permutation_test((row,), np.mean, permutation_type="samples").pvalue) for row in rows]
    np.testing.assert_allclose(contrasts.difference, paired.mean(axis=1))
    # Two primary contrasts, and one look.
    np.testing.assert_allclose(contrasts.ci_low, [repeated_interval(row, 0.025)[0] for row in rows])
    np.testing.assert_allclose(contrasts["std"], paired.std(axis=1))
    assert contrasts.units.tolist() == [3, 3]
    np.testing.assert_allclose(contrasts.p, flips)
    np.testing.assert_allclose(contrasts.delta, 0.05 * contrasts.reference_error)
    assert contrasts.withheld.tolist() == ["runs failed"] * 2


def test_anyone_can_compute_the_optimism_from_the_tables(folder):
    runs, winners, optimism = (read(folder, name) for name in ("runs", "winners", "optimism"))
    assert len(optimism) == 6
    for row in optimism.to_dict("records"):
        own = winners[(winners[KEY] == [row[name] for name in KEY]).all(axis=1)]
        assert own.search.tolist() == [0, 1, 2]
        here = runs[(runs[KEY] == [row[name] for name in KEY]).all(axis=1) & (runs.stage == "evaluate")]
        fresh = [here[here.search == search] for search in range(3)]
        for one, setting in zip(fresh, own.setting_id, strict=True):
            assert set(one.setting_id) == {setting}
        errors = [one.test_error.where(one.status == "ok", CHANCE).mean() for one in fresh]
        validation = [one.validation_error.where(one.status == "ok", CHANCE).mean() for one in fresh]
        flattered = pd.Series(errors) - own.validation_error.to_numpy()
        assert row["optimism_seed"] == pytest.approx(np.mean(validation) - own.validation_error.mean())
        assert row["optimism_split"] == pytest.approx(np.mean(errors) - np.mean(validation))
        assert row["optimism"] == pytest.approx(flattered.mean())
        low, high = stats.ttest_1samp(flattered, 0.0).confidence_interval()
        assert (row["ci_low"], row["ci_high"]) == pytest.approx((max(low, -1), min(high, 1)))
        assert row["selected_optimism"] == pytest.approx(flattered.iloc[0])


def test_runs_csv_says_where_each_run_belongs(folder):
    runs = read(folder, "runs")
    search = runs[runs.stage == "search"]
    assert len(search) == 3 * 3 * 3 * 2
    assert search.test_error.isna().all()
    assert search.test_density.isna().all()
    assert not search.selected.any()
    assert set(search.search) == {0, 1, 2}
    assert set(search.point) == {0, 1, 2}
    fresh = runs[runs.stage == "evaluate"]
    assert fresh.selected.all()
    assert (fresh.search == fresh.seed // 10_000).all()
    assert not runs.run_id.duplicated().any()


def test_the_report_tells_of_the_search(folder):
    page = (folder.path / "report.html").read_text("utf-8")
    for expected in ("K = 3 points, S = 1 tuning", "R = 3 independent searches", "What the search flatters"):
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
    assert row["optimism"] == pytest.approx(0.0, abs=1e-12)
    # Nothing varies, so nothing is known of the spread.
    assert (row["ci_low"], row["ci_high"]) == (-1.0, 1.0)
    summary = results.summary.iloc[0]
    assert (summary["mean"], summary["ci_low"], summary["ci_high"]) == pytest.approx((0.4, 0.0, 1.0))


@pytest.mark.slow
def test_under_equal_noise_the_searchs_optimism_is_the_winners_curse(tmp_path):
    # 60 searches of 8 points: the mean of their curses has a standard error of 0.08 sigma.
    search = Search(points=8, seeds=2, searches=60)
    results = fill(searched("dense", search=search, seeds=20), ResultsFolder(tmp_path, "quickstart"), noise=0.05)
    row = results.optimism.iloc[0]
    expected = 0.05 * expected_maximum_of_normals(8) / np.sqrt(2)
    assert row["optimism_seed"] == pytest.approx(expected, abs=4 * 0.08 * 0.05)
    assert row["optimism_seed"] > 0.03


def test_missing_runs_of_a_search_are_counted(folder, tmp_path: Path):
    made = finished(tmp_path, searched())
    forget(made, RunList.of(searched(), made.ledger).search[0].configuration.run_id)
    with pytest.raises(Exception, match="1 of 18 runs of 'quickstart' are missing in the search"):
        collect(searched(), made.ledger)
