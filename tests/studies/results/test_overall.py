import numpy as np
import pandas as pd
import pytest

from studies.results.collecting import collect
from studies.results.overall import measure_overall
from tests.support.records import CHANCE, design_of, finished


def runs_of(differences: np.ndarray) -> pd.DataFrame:
    """Two arms whose errors differ by ``differences`` ``[seeds, settings]``."""
    rows = [
        {"dataset": f"set{setting}", "network": "8x2", "target_density": 0.25, "seed": seed, "failed": False}
        | {"arm": arm, "error": 0.5 + (differences[seed, setting] if arm == "top_k" else 0.0)}
        for seed in range(len(differences))
        for setting in range(differences.shape[1])
        for arm in ("top_k", "small_dense")
    ]
    return pd.DataFrame(rows)


def row_of(differences: np.ndarray) -> pd.Series:
    return measure_overall(runs_of(differences), [("top_k", "small_dense")], 0).iloc[0]


def test_what_settings_share_on_a_seed_widens_only_the_cluster_interval():
    shared = np.random.default_rng(0).normal(0.0, 0.1, size=(20, 1)).repeat(8, axis=1)
    row = row_of(shared)
    cluster, stratified = row.cluster_high - row.cluster_low, row.stratified_high - row.stratified_low
    assert row.difference == pytest.approx(shared.mean())
    # Eight settings that say the same are worth one, not eight.
    assert cluster / stratified == pytest.approx(np.sqrt(8), rel=0.1)
    assert row.cluster_low < row.difference < row.cluster_high


def test_independent_settings_make_both_alike():
    row = row_of(np.random.default_rng(0).normal(0.0, 0.1, size=(200, 4)))
    cluster, stratified = row.cluster_high - row.cluster_low, row.stratified_high - row.stratified_low
    assert cluster / stratified == pytest.approx(1.0, rel=0.15)


def test_one_setting_has_no_mean_over_settings():
    assert measure_overall(runs_of(np.zeros((5, 1))), [("top_k", "small_dense")], 0).empty


def test_the_order_of_runs_does_not_matter():
    runs = runs_of(np.random.default_rng(1).normal(size=(5, 3)))
    pair = [("top_k", "small_dense")]
    shuffled = runs.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(measure_overall(runs, pair, 0), measure_overall(shuffled, pair, 0))


def test_failed_runs_count_at_the_chance_floor(tmp_path):
    design = design_of("small_dense", "reinforce", seeds=3, densities=(0.25, 0.5))
    failures = {("reinforce", seed): "nan" for seed in range(3)}
    results = collect(design, finished(tmp_path, design, failures).ledger)
    (row,) = results.overall.to_dict("records")
    reference = results.counted[results.counted.arm == "small_dense"].error.mean()
    assert row["failures"] == 6
    assert row["settings"] == 2
    assert row["difference"] == pytest.approx(CHANCE - reference)
