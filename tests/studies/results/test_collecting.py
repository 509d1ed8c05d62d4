import io
import json
import math
from collections.abc import Sequence

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from core.errors import InputError
from studies.records.folder import ResultsFolder
from studies.results.collecting import collect
from studies.results.examples.tested import TestedRuns
from studies.results.results import with_counted_errors
from studies.results.summary import summarise
from tests.support.records import CHANCE, configurations_of, design_of, finished, forget
from tests.support.reports import report_on

# The columns that docs/guides/results.md promises.
RUN_CONTRACT = {
    *(
        "run_id",
        "study",
        "stage",
        "arm",
        "strategy",
        "dataset",
        "network",
        "target_density",
        "seed",
        "status",
        "epochs",
    ),
    *("validation_error", "test_error", "test_error_fallback", "test_density", "all_closed", "dead_blocks"),
    *("gate_entropy", "test_macs", "dense_macs", "train_macs", "train_seconds", "config", "design_hash"),
}
SUMMARY_CONTRACT = {
    *("dataset", "network", "target_density", "arm", "n", "failures", "mean", "ci_low", "ci_high", "std", "iqm"),
    *("median", "test_density", "test_macs", "train_macs", "optimism_split", "selected_mean"),
}
KEY = ["dataset", "network", "target_density", "arm"]


@pytest.fixture
def failing(tmp_path):
    """Two networks and densities, three strategies, four seeds, and failures of three kinds."""
    design = design_of(
        "dense", "reinforce", "straight_through", seeds=4, networks=("8x2", "8x4,8x2"), densities=(0.25, 0.5)
    )
    failures = {("reinforce", 1): "nan", ("reinforce", 3): "error", ("straight_through", 0): "diverged"}
    folder = finished(tmp_path, design, failures)
    report_on(folder)
    return folder


def test_the_tables_have_every_column_of_the_contract(failing):
    runs, summary = (pd.read_csv(failing.path / f"{name}.csv") for name in ("runs", "summary"))
    assert set(runs.columns) >= RUN_CONTRACT
    assert set(summary.columns) >= SUMMARY_CONTRACT
    assert len(runs) == 2 * 2 * 3 * 4
    assert len(summary) == 2 * 2 * 3
    assert not summary.duplicated(KEY).any()


def test_the_summary_is_what_anyone_can_compute_from_the_text_of_runs_csv(failing):
    runs = pd.read_csv(io.StringIO((failing.path / "runs.csv").read_text("utf-8")))
    summary = pd.read_csv(failing.path / "summary.csv")
    rows = {tuple(row[name] for name in KEY): row for row in summary.to_dict("records")}
    for key, group in runs.groupby(KEY):
        ok = group[group.status == "ok"]
        floored = np.where(group.status == "ok", group.test_error, CHANCE)
        errors = ok.test_error
        row = rows[tuple(map(str, key[:2])) + key[2:]]
        # Of seeds, and of the examples that they share; with failures, of the splits of fewer seeds.
        half = np.hypot(
            stats.t.ppf(0.975, len(ok) - 1) * errors.std(ddof=1) / np.sqrt(len(ok)), 1.959964 * row["example_std"]
        )
        middle, stretched = special.logit(errors.mean()), half / (errors.mean() * (1 - errors.mean()))
        expected = {
            "n": 4,
            "failures": 4 - len(ok),
            **({"floored_mean": floored.mean()} if len(ok) < 4 else {}),
            "mean": errors.mean(),
            "ci_low": special.expit(middle - stretched),
            "ci_high": special.expit(middle + stretched),
            "std": errors.std(ddof=1),
            "median": np.median(errors),
            "optimism_split": floored.mean() - np.where(group.status == "ok", group.validation_error, CHANCE).mean(),
            **{column: ok[column].mean() for column in ("test_density", "test_macs", "train_macs", "all_closed")},
        }
        assert {name: row[name] for name in expected} == pytest.approx(expected, rel=1e-6, nan_ok=True), key
    assert summary["failures"].sum() == 3 * 4


def test_runs_csv_holds_each_run_once_with_its_configuration(failing):
    design = failing.frozen().design
    runs = pd.read_csv(failing.path / "runs.csv", keep_default_na=False)
    configurations = configurations_of(design)
    assert runs.run_id.tolist() == [entry.run_id for entry in configurations]
    assert [json.loads(text) for text in runs.config] == [
        json.loads(json.dumps(entry.as_dict())) for entry in configurations
    ]
    assert set(runs.design_hash) == {design.design_hash}
    assert set(runs.study) == {"quickstart"}
    assert set(runs.stage) == {"evaluate"}


def test_runs_csv_leaves_empty_what_a_run_does_not_have(failing):
    runs = pd.read_csv(failing.path / "runs.csv", dtype=str, keep_default_na=False)
    dense, errors = runs[runs.strategy == "dense"], runs[runs.status == "error"]
    assert set(dense.test_error_fallback) == {""}
    assert set(dense.gate_entropy) == {""}
    assert len(errors) == 4
    for column in ("epochs", "validation_error", "test_error", "test_density", "test_macs", "train_macs"):
        assert set(errors[column]) == {""}
    assert "" not in set(runs.dense_macs)
    assert set(runs[runs.status != "ok"].reason) == {"lost its way"}


def test_whole_numbers_stay_whole_beside_runs_without_them(failing):
    runs = pd.read_csv(failing.path / "runs.csv", dtype=str, keep_default_na=False)
    for column in ("epochs", "chosen_epoch", "dead_blocks", "seed"):
        assert all(text.isdecimal() for text in runs[column] if text), column


def test_the_summary_does_not_depend_on_the_order_of_runs(failing):
    results = collect(failing.frozen().design, failing.ledger)
    for seed in range(3):
        shuffled = summarise(results.runs.sample(frac=1, random_state=seed), tested_runs=TestedRuns(results.records))
        pd.testing.assert_frame_equal(
            shuffled.sort_values(KEY, ignore_index=True),
            results.summary.sort_values(KEY, ignore_index=True),
            check_exact=True,
        )


def test_the_summary_keeps_the_order_of_the_design(failing):
    results = collect(failing.frozen().design, failing.ledger)
    assert results.summary.arm.tolist() == ["dense", "reinforce", "straight_through"] * 4
    assert results.summary.network.tolist() == ["8x2"] * 6 + ["8x4,8x2"] * 6


def test_one_seed_has_a_mean_and_no_interval(tmp_path):
    design = design_of("dense", seeds=1)
    row = collect(design, finished(tmp_path, design).ledger).summary.iloc[0]
    assert row["n"] == 1
    assert 0 < row["mean"] < 1
    assert row[["ci_low", "ci_high", "std"]].isna().all()


def test_a_strategy_that_always_fails_has_a_failure_rate_and_no_error(tmp_path):
    design = design_of("dense", "reinforce")
    failures = {("reinforce", seed): "error" for seed in range(3)}
    results = collect(design, finished(tmp_path, design, failures).ledger)
    (row,) = results.summary[results.summary.arm == "reinforce"].to_dict("records")
    # All of three fail: the rate whose chance of that is 2.5 % is .025^(1/3).
    scores = {"n": 3, "failures": 3, "floored_mean": CHANCE, "failure_low": 0.025 ** (1 / 3), "failure_high": 1.0}
    assert {name: row[name] for name in scores} == pytest.approx(scores)
    assert all(math.isnan(row[name]) for name in ("mean", "ci_low", "ci_high", "std", "median", "iqm"))
    # At the floor in validation too.
    assert row["optimism_split"] == 0
    assert all(math.isnan(row[name]) for name in ("test_density", "test_macs", "train_macs"))


def test_missing_runs_are_counted_with_the_command_that_makes_them(tmp_path):
    design = design_of("dense", seeds=3)
    folder = finished(tmp_path, design)
    forget(folder, configurations_of(design)[1].run_id)
    with pytest.raises(InputError, match=r"1 of 3 runs .*python -m studies run quickstart"):
        collect(design, folder.ledger)


def test_a_study_with_no_runs_at_all_is_not_reported(tmp_path):
    with pytest.raises(InputError, match="3 of 3 runs"):
        collect(design_of("dense"), ResultsFolder(tmp_path, "quickstart").ledger)


def test_runs_of_other_designs_in_the_folder_are_left_out(tmp_path):
    finished(tmp_path, design_of("dense", "reinforce", seeds=5))
    design = design_of("dense", seeds=2)
    results = collect(design, ResultsFolder(tmp_path, "quickstart").ledger)
    assert len(results.runs) == len(results.records) == 2
    assert set(results.runs.strategy) == {"dense"}


def table_of(errors: Sequence[float], failed: Sequence[bool]) -> pd.DataFrame:
    """The runs of one strategy, as far as a summary needs them."""
    n = len(errors)
    frame = pd.DataFrame({"stage": "evaluate", "dataset": "digits", "network": "8x2"}, index=range(n))
    measures = dict.fromkeys(("test_density", "all_closed", "dead_blocks", "test_macs", "train_macs"), 1.0)
    return frame.assign(
        **measures,
        target_density=0.25,
        arm="reinforce",
        seed=range(n),
        status=["nan" if fails else "ok" for fails in failed],
        test_error=[np.nan if fails else error for error, fails in zip(errors, failed, strict=True)],
        validation_error=0.1,
        test_error_fallback=0.1,
        selected=True,
        over_budget=False,
        chance_error=CHANCE,
        dense_macs=2.0,
        train_seconds=1.0,
    )


@st.composite
def runs_with_one_more_failure(draw):
    errors = draw(st.lists(st.integers(0, 360).map(lambda wrong: wrong / 360), min_size=1, max_size=8))
    failed = draw(st.lists(st.booleans(), min_size=len(errors), max_size=len(errors)))
    return errors, failed, draw(st.integers(0, len(errors) - 1))


@hypothesis.given(runs_with_one_more_failure())
def test_making_any_run_fail_never_improves_the_floored_mean_and_never_changes_n(case):
    errors, failed, index = case
    more = [fails or place == index for place, fails in enumerate(failed)]
    before, after = (summarise(table_of(errors, which)).iloc[0] for which in (failed, more))
    assert after["floored_mean"] >= before["floored_mean"] - 1e-12
    assert after["failure_high"] >= before["failure_high"]
    assert after["n"] == before["n"] == len(errors)
    assert after["failures"] == sum(more)


@pytest.mark.parametrize("status", ["nan", "diverged", "error", "timeout", "over_budget"])
def test_every_status_but_ok_counts_at_the_chance_floor(status):
    runs = table_of([0.1, 0.2], [False, False]).assign(status=["ok", status])
    counted = with_counted_errors(runs)
    assert counted["error"].tolist() == [0.1, CHANCE]
    assert counted["failed"].tolist() == [False, True]


def test_runs_that_are_not_of_the_selected_configuration_are_not_in_the_summary():
    runs = table_of([0.1, 0.2, 0.3], [False] * 3).assign(
        stage=["search", "evaluate", "evaluate"], selected=[False, True, False]
    )
    assert summarise(runs)["mean"].tolist() == [0.2]


def test_a_run_of_a_search_has_no_test_error_to_count():
    counted = with_counted_errors(table_of([0.1, 0.2], [False, True]).assign(stage="search"))
    assert counted["error"].isna().all()
    assert counted["counted_validation_error"].tolist() == [0.1, CHANCE]


def test_runs_over_the_budget_on_test_examples_are_counted(failing):
    results = collect(failing.frozen().design, failing.ledger)
    ok = results.runs[results.runs.status == "ok"]
    expected = (ok.strategy != "dense") & (ok.test_density.astype(float) > 1.2 * ok.target_density)
    assert ok.over_budget.astype(bool).tolist() == expected.tolist()
    assert results.summary.over_budget.sum() == expected.sum()
