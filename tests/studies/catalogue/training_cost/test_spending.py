import pandas as pd
import pytest

from studies.catalogue.training_cost.spending import error_against_training
from studies.design import Arm
from studies.design.runs import PlannedRun
from tests.support.drawings import axes_of, legend_of
from tests.support.invented import Record, measured, results_of
from tests.support.records import design_of, record_of

FIGURE = error_against_training("cost", "Cost", "passes", "passes")
CONTROLS = ("dense", "small_dense", "random_blocks", "static_blocks", "fixed_passes")
LEARNED = ("reinforce", "top_k", "tree_routing", "straight_through", "gumbel_softmax")


def record(run: PlannedRun) -> Record:
    """Two epochs, after which a run has spent 3 and 6 dense passes, and makes 40 % and 20 % errors."""
    if (run.arm, run.configuration.seed) == ("top_k", 1):
        return record_of(run.configuration, "error")
    epochs = [
        {"epoch": 1, "validation_error": 0.4, "train_macs": 6000.0, "train_seconds": 1.0},
        {"epoch": 2, "validation_error": 0.2, "train_macs": 12000.0, "train_seconds": 3.0},
    ]
    return measured(run, 0.2, dense_macs=20.0) | {"history": epochs, "train_macs": 120.0}


def points_of(numbers: pd.DataFrame, cost: str) -> set[tuple[float, float]]:
    return set(numbers[[cost, "validation_error"]].itertuples(index=False, name=None))


def test_every_epoch_of_every_run_is_there_at_what_it_cost():
    arm = Arm("wide", "dense", network="4x8")
    numbers = FIGURE.numbers(results_of(design_of(*LEARNED, seeds=2, arms=(arm,)), record))
    # A run that ended before its first epoch has nothing to show.
    assert len(numbers) == 2 * (2 * 6 - 1)
    assert set(numbers["passes"]) == {3.0, 6.0}
    assert set(numbers.loc[numbers["network"] == "4x8", "strategy"]) == {"dense"}


def test_dense_networks_are_repeated_where_they_are_not_among_the_strategies():
    numbers = FIGURE.numbers(results_of(design_of(*CONTROLS, *LEARNED, seeds=2), record))
    assert points_of(numbers, "passes") == {(3.0, 0.4), (6.0, 0.2)}
    first, *others = axes_of(FIGURE, numbers)
    assert others
    assert [line.get_linestyle() for line in first.lines].count("--") == 0
    for ax in others:
        assert [line.get_linestyle() for line in ax.lines].count("--") == 2
    assert sorted(legend_of(FIGURE, numbers)) == sorted((*CONTROLS, *LEARNED))


def test_a_study_of_which_nothing_was_trained_shows_nothing():
    failed = results_of(design_of("dense"), lambda run: record_of(run.configuration, "error"))
    assert FIGURE.numbers(failed).empty


def test_seconds_are_another_axis_of_the_same_numbers():
    figure = error_against_training("seconds", "Seconds", "seconds", "seconds")
    results = results_of(design_of("dense", "reinforce", seeds=2), record)
    numbers = figure.numbers(results)
    pd.testing.assert_frame_equal(numbers, FIGURE.numbers(results))
    assert points_of(numbers, "seconds") == {(1.0, 0.4), (3.0, 0.2)}
    assert numbers["passes"].max() == pytest.approx(6.0)
    # The table does not say which of its columns is drawn.
    for shown, label, ends in ((figure, "seconds", [1.0, 3.0]), (FIGURE, "passes", [3.0, 6.0])):
        (ax,) = axes_of(shown, numbers)
        assert ax.get_xlabel() == label
        assert ax.dataLim.intervalx.tolist() == pytest.approx(ends)
