"""Figures of studies that repeat a publication."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from studies.design import Arm
from studies.design.runs import PlannedRun
from studies.report.drawing.panels import panels_of
from studies.report.drawing.style import theme
from studies.report.figures import Figure
from studies.report.publication.figures import error_against_time, published_errors
from studies.report.publication.numbers import Published
from tests.studies.report.figures.test_numbers import axes_of, dots_of, row_of, segments_of
from tests.support.invented import Record, measured, results_of
from tests.support.records import design_of, record_of

ROWS = (
    Published("condnet", error=0.5, seconds=6.8, masked_seconds=26.2, speedup=3.8),
    Published("narrow", error=0.6),
    Published("not run here", error=0.1, seconds=1.0),
)
ARMS = (
    Arm("narrow", "dense", network="1x2", density=1.0),
    Arm("condnet", "reinforce", network="4x4", density=0.25),
)
ERRORS: dict[str, list[float | None]] = {"dense": [0.25, 0.25], "condnet": [0.2, 0.4], "narrow": [0.3, None]}


def record(run: PlannedRun) -> Record:
    arm, seed = run.arm, run.configuration.seed
    error = ERRORS[arm][seed]
    if error is None:
        return record_of(run.configuration, "error")
    if arm == "dense":
        return measured(run, error)
    times = {"examples": 360, "seconds": 0.001 * (seed + 1), "masked_seconds": 0.01 if arm == "condnet" else None}
    return measured(run, error) | {"measured": {"pass_time": times}}


@pytest.fixture(scope="module")
def results():
    # With a strategy of which nothing was published, and which was not timed.
    return results_of(design_of("dense", seeds=2, arms=ARMS), record)


FIGURES = {figure.name: figure for figure in (published_errors(ROWS, "there"), error_against_time(ROWS, "there"))}


def test_published_errors_stand_beside_those_of_the_seeds_in_the_order_of_the_publication(results):
    figure = FIGURES["published_errors"]
    numbers = figure.numbers(results)
    (ax,) = axes_of(figure, numbers)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["narrow", "condnet"]
    assert sorted(dots_of(ax)) == [(20.0, 1.15), (30.0, 0.15), (40.0, 1.15), (90.0, 0.15)]
    diamonds = [line.get_xydata()[0].tolist() for line in ax.lines if line.get_marker() == "D"]
    assert diamonds == [[50.0, 1.0], [60.0, 0.0]]
    # The mean of 0.2 and 0.4 is between the ends of its interval, of which the lower is cut off.
    assert segments_of(ax)[0][0] == (16.0, 0.85)


def test_times_are_in_a_panel_of_their_own_for_each_clock(results):
    figure = FIGURES["error_against_time"]
    numbers = figure.numbers(results)
    assert numbers["panel"].drop_duplicates().tolist() == ["published", "measured on digits"]
    printed = row_of(numbers, panel="published")
    assert (printed["strategy"], printed["seconds"], printed["masked_seconds"]) == ("condnet", 6.8, 26.2)
    there, here = axes_of(figure, numbers)
    assert [np.asarray(line.get_xdata()).tolist() for line in there.lines] == [[6.8, 26.2], [26.2], [6.8]]
    # Small points are seeds, where there are several that were timed.
    assert sorted(dots_of(here)) == [(0.001, 20.0), (0.002, 40.0)]
    means = {tuple(line.get_xydata()[0].tolist()) for line in here.lines if len(line.get_xydata()) == 1}
    assert {(round(x, 6), round(y, 6)) for x, y in means} == {(0.0015, 30.0), (0.01, 30.0), (0.001, 30.0)}


def test_without_published_times_there_is_one_panel(results):
    rows = (Published("condnet", error=0.5), Published("narrow", error=0.6))
    figure = error_against_time(rows, "there")
    (ax,) = axes_of(figure, figure.numbers(results))
    assert ax.get_xlabel() == "seconds of one pass over the test split"


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_can_be_drawn_from_its_csv_alone(tmp_path, results, name):
    figure = FIGURES[name]
    assert figure.write(results, tmp_path, ["svg"])
    again = pd.read_csv(tmp_path / f"{name}.csv")
    assert picture(figure, again) == picture(figure, figure.numbers(results))


@pytest.mark.parametrize("name", FIGURES)
def test_captions_say_where_the_numbers_are_from(results, name):
    caption = FIGURES[name].caption(results)
    assert "as published (there" in caption
    assert "1 of 6 runs failed" in caption
    assert "  " not in caption
    assert caption.endswith(".")


def picture(figure: Figure, numbers: pd.DataFrame) -> str:
    with mpl.rc_context(theme()):
        drawn = figure.draw(numbers)
    places = [
        [np.asarray(line.get_xydata(), float).round(9).tolist() for line in ax.lines]
        + [np.ma.filled(entry.get_offsets(), np.nan).round(9).tolist() for entry in ax.collections]
        for ax in panels_of(drawn)
    ]
    return repr(places)
