"""Figures of strategies at each value of a level of their arms."""

import pytest

from studies.catalogue.optimizers.strategies_by_level import difference_by_level, error_by_level, failures_by_level
from studies.design import Arm, Sweep
from studies.design.freezing import FrozenStudy
from studies.design.runs import PlannedRun
from studies.results import Results
from tests.support.drawings import axes_of, legend_of, row_of
from tests.support.invented import Record, measured, results_of
from tests.support.records import record_of

ERRORS: dict[str, list[float | None]] = {
    "top_k, sgd": [0.3, 0.4],
    "top_k, adam": [0.1, 0.2],
    "reinforce, sgd": [0.5, None],
    "reinforce, adam": [0.3, 0.3],
}
ARMS = tuple(
    Arm(name, name.partition(",")[0], training={"optimizer": name.split()[-1]}, levels={"optimizer": name.split()[-1]})
    for name in ERRORS
)
PAIRS = (("top_k, sgd", "top_k, adam"), ("reinforce, sgd", "reinforce, adam"))
# With another value of the level, and with another strategy.
OTHER_PAIRS = (("top_k, adam", "top_k, sgd"), ("top_k, sgd", "reinforce, sgd"), ("top_k, sgd", "reinforce, adam"))
ERROR = error_by_level("errors", "Errors", "optimizer")
DIFFERENCE = difference_by_level("differences", "Differences", "optimizer", "adam")
FAILURES = failures_by_level("failures", "Failures", "optimizer")


def record(run: PlannedRun) -> Record:
    error = ERRORS[run.arm][run.configuration.seed]
    return record_of(run.configuration, "nan") if error is None else measured(run, error)


@pytest.fixture(scope="module")
def results() -> Results:
    sweep = Sweep(
        seeds=2,
        arms=ARMS,
        datasets=("digits",),
        networks=("8x2",),
        training={"epochs": 2},
        references=(),
        pairs=(*PAIRS, *OTHER_PAIRS),
    )
    return results_of(FrozenStudy.freeze("quickstart", "default", sweep), record)


def test_strategies_are_rows_and_levels_markers_and_failures_make_them_hollow(results):
    numbers = ERROR.numbers(results)
    assert len(numbers) == 4
    row = row_of(numbers, strategy="reinforce", optimizer="sgd")
    assert (row["n"], row["failures"], row["family"]) == (2, 1, "policy gradient")
    assert row["mean"] == 0.5
    means = numbers.set_index(["strategy", "optimizer"])["mean"]
    assert means.to_dict() == pytest.approx(
        {("top_k", "sgd"): 0.35, ("top_k", "adam"): 0.15, ("reinforce", "sgd"): 0.5, ("reinforce", "adam"): 0.3}
    )
    (ax,) = axes_of(ERROR, numbers)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["reinforce", "top_k"]
    assert ax.get_xscale() == "log"
    # Both of top_k in the upper row, the first level above the second.
    heights = [line.get_ydata()[0] for line in ax.lines]
    assert [round(height) for height in heights] == [1, 1, 0, 0]
    assert heights == sorted(set(heights), reverse=True)
    sgd, adam, *others = [line.get_marker() for line in ax.lines]
    assert sgd != adam
    assert others == [sgd, adam]
    hollow = [line.get_markerfacecolor() == "white" for line in ax.lines]
    assert hollow == [False, False, True, False]
    assert legend_of(ERROR, numbers) == ["sgd", "adam", "some runs failed"]


def test_differences_are_paired_with_the_same_strategy_at_the_reference(results):
    numbers = DIFFERENCE.numbers(results)
    assert numbers[["strategy", "optimizer"]].to_numpy().tolist() == [["top_k", "sgd"], ["reinforce", "sgd"]]
    row = row_of(numbers, strategy="top_k")
    assert (row["difference"], row["ci_low"], row["ci_high"]) == pytest.approx((0.2, 0.2, 0.2))
    assert row_of(numbers, strategy="reinforce")["difference"] == pytest.approx(0.2)
    (ax,) = axes_of(DIFFERENCE, numbers)
    assert {label.get_text() for label in ax.get_yticklabels()} == {"reinforce", "top_k"}
    assert ax.get_xscale() == "linear"
    for said in ("adam", "95 % t intervals", "5 % of the error with adam"):
        assert said in DIFFERENCE.caption(results)


def test_failures_are_shares_of_all_runs_of_a_strategy_at_a_level(results):
    numbers = FAILURES.numbers(results)
    assert set(numbers["strategy"]) == {"reinforce"}
    assert row_of(numbers, optimizer="sgd")["rate"] == 0.5
    assert row_of(numbers, optimizer="adam")["rate"] == 0.0
    (ax,) = axes_of(FAILURES, numbers)
    assert [label.get_text() for label in ax.get_yticklabels()] == ["reinforce"]
    assert [line.get_markerfacecolor() == "white" for line in ax.lines] == [True, False]
    assert legend_of(FAILURES, numbers) == ["sgd", "adam", "some runs failed"]
    for said in ("Clopper-Pearson", "1 of 8 runs failed"):
        assert said in FAILURES.caption(results)


def test_without_failures_there_is_no_figure_of_them(results):
    design = FrozenStudy.freeze(
        "quickstart", "default", Sweep(seeds=2, arms=ARMS[:2], datasets=("digits",), references=())
    )
    assert FAILURES.numbers(results_of(design, record)).empty
