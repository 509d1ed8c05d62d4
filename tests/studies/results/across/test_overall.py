import numpy as np
import pandas as pd
import pytest

from studies.design.setting import Setting
from studies.results.across.overall import measure_overall
from studies.results.collecting import collect
from studies.results.pairing import Pairing
from tests.support.invented import results_of
from tests.support.records import design_of, finished, record_of

PAIR = [("top_k", "small_dense")]
NAMES = [f"mnist1d:{thousands}000" for thousands in range(1, 10)]


def runs_of(differences: np.ndarray) -> pd.DataFrame:
    """Two arms whose errors differ by ``differences`` ``[seeds, settings]``, from .5 on."""
    rows = [
        {"dataset": NAMES[setting], "network": "8x2", "target_density": 0.25, "seed": seed, "failed": False}
        | {"arm": arm, "error": 0.5 + (differences[seed, setting] if arm == "top_k" else 0.0), "test_macs": 100.0}
        for seed in range(len(differences))
        for setting in range(differences.shape[1])
        for arm in ("top_k", "small_dense")
    ]
    return pd.DataFrame(rows)


def overall_of(runs: pd.DataFrame) -> pd.DataFrame:
    settings = [Setting(str(name), "8x2", 0.25) for name in sorted(runs["dataset"].unique())]
    return measure_overall(Pairing(runs, runs.head(0)), settings, PAIR, 0)


def row_of(differences: np.ndarray) -> pd.Series:
    return overall_of(runs_of(differences)).iloc[0]


def test_what_settings_share_on_a_seed_widens_only_the_cluster_interval():
    shared = np.random.default_rng(0).normal(0.0, 0.1, size=(20, 1)).repeat(8, axis=1)
    row = row_of(shared)
    cluster, stratified = row.cluster_high - row.cluster_low, row.stratified_high - row.stratified_low
    assert row.difference == pytest.approx(shared.mean() / 0.5)
    # Eight settings that say the same are worth one, not eight.
    assert cluster / stratified == pytest.approx(np.sqrt(8), rel=0.1)
    assert row.cluster_low < row.difference < row.cluster_high


def test_independent_settings_make_both_alike():
    row = row_of(np.random.default_rng(0).normal(0.0, 0.1, size=(200, 4)))
    cluster, stratified = row.cluster_high - row.cluster_low, row.stratified_high - row.stratified_low
    assert cluster / stratified == pytest.approx(1.0, rel=0.15)


def test_one_setting_has_no_mean_over_settings():
    assert overall_of(runs_of(np.zeros((5, 1)))).empty


def test_the_order_of_runs_does_not_matter():
    runs = runs_of(np.random.default_rng(1).normal(size=(5, 3)))
    shuffled = runs.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(overall_of(runs), overall_of(shuffled))


def test_settings_in_which_a_run_failed_are_left_out_and_counted(tmp_path):
    design = design_of("small_dense", "reinforce", seeds=3, densities=(0.25, 0.5, 0.75))
    made = finished(tmp_path, design).ledger
    whole = collect(design, made)
    assert whole.overall.iloc[0][["settings", "left_out"]].tolist() == [3, 0]
    failed = results_of(
        design,
        lambda run: record_of(
            run.configuration,
            "nan" if run.arm == "reinforce" and run.setting.target_density == 0.5 and run.configuration.seed else "ok",
        ),
    )
    (row,) = failed.overall.to_dict("records")
    assert (row["settings"], row["left_out"]) == (2, 1)


def test_one_dataset_of_large_errors_does_not_outweigh_another():
    runs = runs_of(np.array([[0.05, 0.05]] * 3))
    runs.loc[runs["dataset"] == NAMES[1], "error"] /= 10
    assert overall_of(runs).iloc[0].difference == pytest.approx(0.1)
