"""The study of variance: standard deviations by source, estimators, and their correlation with errors."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from studies.catalogue import variance
from studies.catalogue.variance import report
from studies.design.freezing import FrozenStudy
from studies.design.override import keep_arms
from studies.design.runs import PlannedRun
from studies.results import Results
from tests.support.drawings import axes_of, row_of
from tests.support.invented import Record, measured, random_record, results_of

SWEEP = variance.sweep(2, epochs=2, lengths=(1, 4))


def probed(value: float) -> dict[str, float]:
    return {"relative_variance": value, "relative_bias": value / 10, "bias_by_chance": value / 20, "gradient": 0.01}


def record(run: PlannedRun) -> Record:
    """Seeds are 0.02 apart, 0.01 if they vary one source; estimators are the better the lower their errors."""
    configuration = run.configuration
    apart = 0.02 if configuration.varied is None else 0.01
    if configuration.network != "8x16":
        return measured(run, 0.1 + apart * configuration.seed) | {"measured": {"estimator": {}}}
    place = [estimator.name for estimator in variance.ESTIMATORS].index(run.arm.rpartition(", ")[0])
    # Of two seeds the median is 8.5 times as much.
    value = (1.0 + place) * 16**configuration.seed
    found = {"initial": probed(1.0), "trained": probed(value)}
    return measured(run, 0.1 + 0.01 * place) | {"measured": {"estimator": found}}


def freeze(**changes: object) -> FrozenStudy:
    return FrozenStudy.freeze("variance", "quick", replace(SWEEP, **changes))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def results() -> Results:
    return results_of(freeze(), record)


def test_shorter_runs_are_the_beginning_of_longer_ones():
    arms = [arm for arm in freeze().arms if arm.network == "8x16"]
    without = {
        (arm.levels["estimator"], frozenset((key, value) for key, value in arm.training.items() if key != "epochs"))
        for arm in arms
    }
    assert len(without) == len(variance.ESTIMATORS)
    assert {(arm.training["schedule"], arm.training["selection"]) for arm in arms} == {("constant", "last")}


def test_estimators_do_not_change_with_progress():
    for arm in freeze().arms:
        settings = arm.strategy_settings
        if "estimator" in arm.levels and arm.strategy == "gumbel_softmax":
            assert settings["first_temperature"] == settings["last_temperature"]
        if "estimator" in arm.levels and arm.strategy == "straight_through":
            assert settings["last_slope"] == 1


def test_standard_deviations_and_shares(results):
    table = report.spread_by_source(results)
    assert len(table) == 19
    row = row_of(table, strategy="reinforce", source="order")
    assert row["std"] == pytest.approx(0.01 / 2**0.5)
    assert row["share"] == pytest.approx(0.25)
    assert row["std_low"] < row["std"] < row["std_high"]
    assert row_of(table, strategy="small_dense", source="all")["share"] == pytest.approx(1.0)
    assert table[(table["strategy"] == "small_dense") & (table["source"] == "gates")].empty


def test_estimators_have_medians_and_no_error_before_training(results):
    table = report.estimators(results)
    first = row_of(table, estimator="reinforce, none", epochs=4)
    assert first["relative_variance"] == pytest.approx(8.5)
    assert first["relative_bias"] == pytest.approx(0.85)
    assert first["mean"] == pytest.approx(0.1)
    before = row_of(table, estimator="reinforce, none", epochs=0)
    assert before["relative_variance"] == pytest.approx(1.0)
    assert np.isnan(before["mean"])
    # Followed or not, each is there once before training and once after the longest.
    assert (table.groupby("estimator")["epochs"].nunique() >= 2).all()


def test_estimators_that_are_worse_the_noisier_they_are_have_the_correlation_one(results):
    table = report.correlations(results)
    row = row_of(table, estimators="all", of="relative variance", measured="after training")
    assert (row["n"], row["correlation"]) == (11, 1.0)
    unbiased = row_of(table, estimators="unbiased", of="relative bias", measured="after training")
    assert (unbiased["n"], unbiased["correlation"]) == (7, 1.0)


def test_only_estimators_that_were_followed_are_drawn_over_epochs(results):
    numbers = report.OVER_EPOCHS.numbers(results)
    followed = {estimator.name for estimator in variance.ESTIMATORS if estimator.followed}
    assert set(numbers["series"]) == followed
    variances, biases = axes_of(report.OVER_EPOCHS, numbers)
    assert [label.get_text() for label in variances.get_xticklabels()] == ["0", "1", "4"]
    assert [variances.get_title(), biases.get_title()] == ["relative variance", "relative bias"]


def test_error_is_drawn_against_the_variance_of_the_longest_runs(results):
    numbers = report.AGAINST_VARIANCE.numbers(results)
    assert len(numbers) == 2 * len(variance.ESTIMATORS)
    assert set(numbers["network"]) == {"8x16"}
    row = row_of(numbers, series="gumbel_softmax, soft", seed=1)
    assert row["value"] == pytest.approx(11 * 16)


@pytest.mark.parametrize("names", [["top_k"], ["disarm"]])
def test_a_part_of_the_study_can_be_run_alone(names):
    results = results_of(FrozenStudy.freeze("variance", "quick", keep_arms(SWEEP, names)), record)
    for table in report.TABLES:
        assert isinstance(table.numbers(results), pd.DataFrame)
    for figure in report.FIGURES:
        numbers = figure.numbers(results)
        assert numbers.empty or figure.draw(numbers)


def test_runs_without_measurements_are_left_out():
    results = results_of(freeze(), random_record())
    assert report.estimators(results).empty
    assert report.AGAINST_VARIANCE.numbers(results).empty
