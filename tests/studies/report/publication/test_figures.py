"""Figures of studies that repeat a publication."""

import pandas as pd
import pytest

from studies.design import Arm
from studies.design.runs import PlannedRun
from studies.report.publication.figures import error_against_time, published_errors
from studies.report.publication.numbers import Published
from tests.support.drawings import axes_of, legend_of, picture, row_of
from tests.support.invented import Record, measured, results_of
from tests.support.records import CHANCE, design_of, record_of

ROWS = (
    Published("condnet", error=0.5, seconds=6.8, masked_seconds=26.2, speedup=3.8),
    Published("narrow", error=0.6),
    Published("not run here", error=0.1, seconds=1.0),
)
ARMS = (
    Arm("narrow", "dense", network="1x2", density=1.0),
    Arm("condnet", "reinforce", network="8x2", density=0.25),
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
    # From the bottom.
    assert [label.get_text() for label in ax.get_yticklabels()] == ["narrow", "condnet"]
    assert numbers[["arm", "published_error", "seed", "error"]].to_numpy().tolist() == [
        ["condnet", 0.5, 0, 0.2],
        ["condnet", 0.5, 1, 0.4],
        ["narrow", 0.6, 0, 0.3],
        ["narrow", 0.6, 1, CHANCE],
    ]
    assert row_of(numbers, arm="condnet", seed=0)["mean"] == pytest.approx(0.3)
    assert len([line for line in ax.lines if line.get_marker() == "D"]) == 2
    assert "published" in legend_of(figure, numbers)


def test_times_are_in_a_panel_of_their_own_for_each_clock(results):
    figure = FIGURES["error_against_time"]
    numbers = figure.numbers(results)
    assert numbers["panel"].drop_duplicates().tolist() == ["published", "measured on digits"]
    printed = row_of(numbers, panel="published")
    assert (printed["arm"], printed["seconds"], printed["masked_seconds"]) == ("condnet", 6.8, 26.2)
    # Every seed that was timed.
    ours = numbers[numbers["panel"] == "measured on digits"]
    assert set(ours[["arm", "error", "seconds"]].itertuples(index=False, name=None)) == {
        ("condnet", 0.2, 0.001),
        ("condnet", 0.4, 0.002),
        ("narrow", 0.3, 0.001),
    }
    assert set(ours[ours["arm"] == "condnet"]["masked_seconds"]) == {0.01}
    there, here = axes_of(figure, numbers)
    # Hollow is what was timed without the sparse kernels.
    for ax, models in ((there, 1), (here, 2)):
        marks = [line.get_markerfacecolor() for line in ax.lines if line.get_marker() != "None"]
        assert (len(marks), marks.count("white")) == (models + 1, 1)
    assert legend_of(figure, numbers) == ["narrow", "condnet"]


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
    for said in ("there", "n = 2", "1 of 6 runs failed"):
        assert said in caption
    assert "  " not in caption
    assert caption.endswith(".")
