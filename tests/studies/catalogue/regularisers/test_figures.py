"""Figures of studies that vary a numeric level from arm to arm."""

import numpy as np
import pandas as pd
import pytest

from studies.catalogue.regularisers.against_level import against_level, at_levels
from studies.catalogue.regularisers.early_learning import early_learning
from studies.catalogue.regularisers.realised_density import realised_density
from studies.design import Arm
from studies.design.runs import PlannedRun
from tests.support.drawings import axes_of, legend_of, picture, segments_of
from tests.support.invented import Record, measured, results_of
from tests.support.records import design_of, record_of

ARMS = (
    Arm("centre", "reinforce", levels={"weight": 1.0, "density": 1 / 8}),
    Arm("weight 10", "reinforce", strategy_settings={"lambda_s": 10}, levels={"weight": 10.0}),
    Arm("half", "reinforce", density=0.5, levels={"density": 0.5}),
)
ERRORS: dict[str, list[float | None]] = {
    "dense": [0.2, 0.2],
    "centre": [0.2, 0.4],
    "weight 10": [0.3, None],
    "half": [0.1, 0.1],
}
FIGURES = {
    "weights": against_level("weight", "w", ("error", "seconds"), name="weights", title="Weights", opening="Weights."),
    "early_learning": early_learning("weight", "w", epochs=2),
    "realised_density": realised_density("density"),
}


def record(run: PlannedRun) -> Record:
    seed = run.configuration.seed
    error = ERRORS[run.arm][seed]
    if error is None:
        return record_of(run.configuration, "error")
    found = measured(run, error)
    history = [epoch | {"validation_error": error + 0.1 / (1 + place)} for place, epoch in enumerate(found["history"])]
    times = {"examples": 360, "seconds": 0.001 * (seed + 1), "masked_seconds": 0.01}
    density = run.configuration.target_density * (1 + seed)
    return found | {"history": history, "test_density": density, "measured": {"pass_time": times}}


def assert_rows(table: pd.DataFrame, rows: list[tuple[float, ...]]) -> None:
    assert table.to_numpy(float) == pytest.approx(np.array(rows, float))


@pytest.fixture(scope="module")
def results():
    # With a strategy that has no levels.
    return results_of(design_of("dense", seeds=2, arms=ARMS), record)


def test_an_arm_stands_for_every_level_that_it_has(results):
    runs = at_levels(results, "weight")
    assert runs.groupby("arm", sort=False)["level"].unique().to_dict() == {"centre": [1.0], "weight 10": [10.0]}
    assert set(at_levels(results, "density")["arm"]) == {"centre", "half"}
    assert at_levels(results, "width").empty


def test_each_measure_has_a_panel_with_its_seeds_means_and_intervals(results):
    numbers = FIGURES["weights"].numbers(results)
    measures = ["test error (%)", "milliseconds of a test pass"]
    errors, times = (numbers[numbers["measure"] == measure] for measure in measures)
    assert_rows(errors[["level", "value", "mean"]], [(1, 20, 30), (1, 40, 30), (10, 30, 60), (10, 90, 60)])
    assert_rows(times[["level", "value", "mean"]], [(1, 1, 1.5), (1, 2, 1.5), (10, 1, 1)])
    # One run of the second level was not timed: no interval.
    assert times[["ci_low", "ci_high"]].isna().all(axis=1).tolist() == [False, False, True]
    # t with one degree of freedom is 12.706, so that the lower end is cut off at 0.
    first = errors.iloc[0]
    assert (first["ci_low"], first["ci_high"]) == pytest.approx((30 - 12.7062 * 10, 30 + 12.7062 * 10), abs=1e-3)
    axes = axes_of(FIGURES["weights"], numbers)
    assert [segment[0][1] for segment in segments_of(axes[0])] == [0.0, 0.0]
    assert [ax.get_title() for ax in axes] == measures
    assert [ax.get_xticks().tolist() for ax in axes] == [[1.0, 10.0]] * 2


def test_one_measure_is_named_on_its_axis(results):
    figure = against_level("weight", "w", ("error",), name="one", title="One", opening="One.")
    (ax,) = axes_of(figure, figure.numbers(results))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("w", "test error (%)")


def test_early_learning_shows_the_first_epochs_of_each_value(results):
    numbers = FIGURES["early_learning"].numbers(results)
    columns = ["level", "seed", "epoch", "validation_error"]
    # Two seeds, then the one that did not fail at once.
    assert_rows(
        numbers.sort_values(columns)[columns],
        [(1, 0, 1, 0.3), (1, 0, 2, 0.25), (1, 1, 1, 0.5), (1, 1, 2, 0.45), (10, 0, 1, 0.4), (10, 0, 2, 0.35)],
    )
    (ax,) = axes_of(FIGURES["early_learning"], numbers)
    assert len(ax.lines) == 3 + 2
    # Means are in no table.
    means = [line.get_ydata().tolist() for line in ax.lines if line.get_linewidth() > 1]
    assert means == [pytest.approx([40.0, 35.0])] * 2
    assert legend_of(FIGURES["early_learning"], numbers) == ["w = 1", "w = 10"]


def test_realised_density_is_drawn_beside_the_diagonal(results):
    numbers = FIGURES["realised_density"].numbers(results)
    columns = ["target_density", "test_density"]
    assert_rows(numbers.sort_values(columns)[columns], [(0.125, 0.125), (0.125, 0.25), (0.5, 0.5), (0.5, 1.0)])
    (ax,) = axes_of(FIGURES["realised_density"], numbers)
    # Neither the diagonal nor the means are in the table.
    diagonal, mean = ax.lines
    assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) == [0.125, 0.5]
    assert mean.get_ydata().tolist() == pytest.approx([0.1875, 0.75])
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert legend_of(FIGURES["realised_density"], numbers) == ["reinforce", "equal"]


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_can_be_drawn_from_its_csv_alone(tmp_path, results, name):
    figure = FIGURES[name]
    assert figure.write(results, tmp_path, ["svg"])
    again = pd.read_csv(tmp_path / f"{name}.csv")
    assert picture(figure, again) == picture(figure, figure.numbers(results))


@pytest.mark.parametrize("name", FIGURES)
def test_a_study_without_such_levels_has_nothing_to_show(name):
    plain = results_of(design_of("dense"), lambda run: record_of(run.configuration))
    assert FIGURES[name].numbers(plain).empty


@pytest.mark.parametrize("name", FIGURES)
def test_captions_are_whole_sentences(results, name):
    caption = FIGURES[name].caption(results)
    for said in ("n = 2", "1 of 8 runs failed"):
        assert said in caption
    assert ("95 % t interval" in caption) == (name == "weights")
    assert "  " not in caption
    assert caption.endswith(".")
