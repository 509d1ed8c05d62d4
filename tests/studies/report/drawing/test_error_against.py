"""Error against another quantity of runs, and quantities by level: factories of figures that several studies use."""

from typing import Any

import matplotlib.figure
import numpy as np
import pandas as pd
import pytest

from studies.design.runs import PlannedRun
from studies.report.drawing.by_level import by_level
from studies.report.drawing.error_against import error_against
from studies.report.drawing.figure import Figure
from studies.report.drawing.panels import Labels
from studies.results import Results
from tests.support.drawings import axes_of, legend_of, lines_of, row_of, segments_of
from tests.support.invented import Record, measured, results_of
from tests.support.records import design_of, record_of

ERRORS: dict[str, list[float | None]] = {"dense": [0.1, 0.2], "reinforce": [0.3, None], "top_k": [0.2, 0.2]}
LEVELS = pd.DataFrame(
    {
        "dataset": "digits",
        "network": "8x2",
        "target_density": 0.125,
        "arm": ["dense", "dense", "top_k", "top_k"],
        "family": ["control", "control", "routing", "routing"],
        "level": ["b", "a", "b", "a"],
        "value": [1.0, 2.0, 3.0, 4.0],
        "low": [0.5, -1.0, 2.5, 3.5],
        "high": [1.5, 5.0, 3.5, 4.5],
    }
)


def record(run: PlannedRun) -> Record:
    error = ERRORS[run.configuration.strategy][run.configuration.seed]
    return record_of(run.configuration, "nan") if error is None else measured(run, error, macs=1000.0)


@pytest.fixture(scope="module")
def results() -> Results:
    return results_of(design_of(*ERRORS, seeds=2, references=()), record)


def figure_of(**changes: Any) -> Figure:
    return error_against("name", "Title", "MACs", lambda results: results.counted["test_macs"], "What.", **changes)


def test_every_run_with_a_value_is_a_point_and_every_arm_a_mean(results):
    figure = figure_of()
    numbers = figure.numbers(results)
    # The failed run has no multiply-adds, and no error.
    assert numbers[["arm", "seed"]].to_numpy().tolist() == [
        ["dense", 0],
        ["reinforce", 0],
        ["top_k", 0],
        ["dense", 1],
        ["top_k", 1],
    ]
    means = {arm: own["mean"].unique().tolist() for arm, own in numbers.groupby("arm")}
    assert means == {"dense": [pytest.approx(0.15)], "reinforce": [0.3], "top_k": [0.2]}
    assert row_of(numbers, arm="dense", seed=1)["value"] == 1000.0
    assert legend_of(figure, numbers) == ["dense", "reinforce", "top_k"]
    assert figure.caption(results).startswith("What. ")
    assert "n = 2" in figure.caption(results)
    assert "95 % t interval" in figure.caption(results)
    assert "1 of 6 runs failed" in figure.caption(results)


def test_arms_of_a_series_are_joined(results):
    one = pd.DataFrame({"series": "all", "family": "control"}, index=results.counted.index)
    figure = figure_of(series=lambda _: one)
    numbers = figure.numbers(results)
    assert set(numbers["series"]) == {"all"}
    assert set(numbers["arm"]) == set(ERRORS)
    assert legend_of(figure, numbers) == ["all"]
    (ax,) = axes_of(figure, numbers)
    assert max(len(line) for line in lines_of(ax)) == 3


@pytest.mark.parametrize(("changes", "scale"), [({}, "linear"), ({"log": True}, "log"), ({"macs": True}, "log")])
def test_the_horizontal_axis_has_the_scale_asked_for(results, changes, scale):
    figure = figure_of(**changes)
    (ax,) = axes_of(figure, figure.numbers(results))
    assert ax.get_xscale() == scale
    assert ("Both axes" in figure.caption(results)) == (scale == "log")


def test_it_is_drawn_from_its_csv_alone(results, tmp_path):
    figure = figure_of()
    figure.write(results, tmp_path, formats=["svg"])
    figure.draw(pd.read_csv(tmp_path / "name.csv"))
    assert (tmp_path / "name.svg").exists()


def levels(**changes: Any) -> Figure:
    return by_level("name", "Title", Labels("level", "value"), lambda results: LEVELS, "What.", **changes)


def test_levels_keep_their_order_and_strategies_stand_side_by_side():
    (ax,) = axes_of(levels(), LEVELS)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["b", "a"]
    dense, routing = (np.array(line)[:, 0] for line in lines_of(ax))
    assert (dense < routing).all()
    assert (routing - dense < 1).all()
    assert legend_of(levels(), LEVELS) == ["dense", "top_k"]


def test_intervals_are_cut_off_where_a_logarithmic_axis_has_no_end():
    (ax,) = axes_of(levels(log=True), LEVELS)
    assert ax.get_yscale() == "log"
    lows = [segment[0][1] for segment in segments_of(ax)]
    assert lows == pytest.approx([0.8, 0.8, 2.5, 3.5])


def test_panels_can_be_of_anything():
    numbers = pd.concat([LEVELS.assign(measure=name) for name in ("one", "other")])
    assert isinstance(levels().draw(LEVELS), matplotlib.figure.Figure)
    assert [ax.get_title() for ax in axes_of(levels(by=("measure",), lines=True), numbers)] == ["one", "other"]
