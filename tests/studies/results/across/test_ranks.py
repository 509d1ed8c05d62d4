"""Ranks over settings, and the share of the gap between dense networks of equal cost and wide ones."""

import matplotlib as mpl
import pytest

from studies.design import DENSE_FRONT
from studies.design.runs import PlannedRun
from studies.report.drawing.style import theme
from studies.report.figures.critical_difference import CRITICAL_DIFFERENCE
from studies.results import Results
from studies.results.across.ranks import RANKS, rank_arms
from tests.support.drawings import axes_of
from tests.support.invented import Record, measured, results_of
from tests.support.records import design_of, record_of
from tests.support.tables import written

# At densities of 1/4 and 1/2.
ERRORS = {
    "reinforce": {0.25: 0.10, 0.5: 0.12},
    "top_k": {0.25: 0.12, 0.5: 0.10},
    "random_blocks": {0.25: 0.3, 0.5: 0.2},
}
# Dense networks err .2 up to the arms' multiply-adds, and .1 at the widest.
NARROW, WIDE = 0.2, 0.1


def results(failed: str = "", references: tuple[str, ...] = (DENSE_FRONT,)) -> Results:
    def record(run: PlannedRun) -> Record:
        if run.arm == failed and run.setting.target_density == 0.5:
            return record_of(run.configuration, "nan")
        if run.arm.startswith(DENSE_FRONT):
            width = int(run.setting.network.removeprefix("1x"))
            return measured(run, WIDE if width == widest else NARROW, macs=float(width))
        return measured(run, ERRORS[run.arm][run.setting.target_density], macs=float(narrowest))

    design = design_of(*ERRORS, seeds=2, densities=(0.25, 0.5), references=references, primary=())
    widths = [int(str(arm.network).removeprefix("1x")) for arm in design.front] or [0]
    narrowest, widest = min(widths), max(widths)
    return results_of(design, record)


def test_arms_are_ranked_over_settings_and_measured_by_the_gap():
    rows = rank_arms(results()).set_index("arm")
    assert rows["mean_rank"].to_dict() == {"reinforce": 1.5, "top_k": 1.5, "random_blocks": 3.0}
    assert set(rows["settings"]) == {2}
    # Of a gap of .1 reinforce closes all and .8.
    assert rows["gap_closed"].to_dict() == pytest.approx({"reinforce": 0.9, "top_k": 0.9, "random_blocks": -0.5})
    assert rows["regret"].to_dict() == pytest.approx({"reinforce": 0.1, "top_k": 0.1, "random_blocks": 1.5})
    assert rows.loc["top_k", "family"] == "routing"


def test_an_arm_of_which_all_runs_failed_is_last_there_and_closes_nothing_that_counts():
    rows = rank_arms(results(failed="reinforce")).set_index("arm")
    assert rows.loc["reinforce", "mean_rank"] == (1 + 3) / 2
    # The setting in which it has no error is in no mean of gaps.
    assert rows.loc["top_k", "gap_closed"] == pytest.approx(0.8)


def test_without_a_dense_front_there_are_ranks_and_no_gap():
    rows = rank_arms(results(references=()))
    assert rows["mean_rank"].tolist() == [1.5, 1.5, 3.0]
    assert rows[["gap_closed", "regret"]].isna().all(axis=None)


def test_one_setting_has_no_ranks_over_settings():
    one = results_of(design_of(*ERRORS, seeds=2), lambda run: measured(run, 0.1))
    assert rank_arms(one).empty
    assert CRITICAL_DIFFERENCE.numbers(one).empty


def test_the_table_and_the_caption_say_from_where_on_arms_are_told_apart():
    found = results()
    assert len(written(RANKS, RANKS.numbers(found))) == 3
    said = f"{rank_arms(found)['critical_difference'].iloc[0]:.2f}"
    assert said in RANKS.caption(found)
    assert said in CRITICAL_DIFFERENCE.caption(found)


def test_bars_join_what_is_not_told_apart():
    numbers = CRITICAL_DIFFERENCE.numbers(results())
    with mpl.rc_context(theme()):
        (ax,) = axes_of(CRITICAL_DIFFERENCE, numbers)
    bars = [line for line in ax.lines if len(line.get_xdata()) == 2]
    # Two settings tell nothing apart.
    assert [list(line.get_xdata()) for line in bars] == [[1.5, 3.0]]
    (apart,) = axes_of(CRITICAL_DIFFERENCE, numbers.assign(critical_difference=1.0))
    assert [list(line.get_xdata()) for line in apart.lines if len(line.get_xdata()) == 2] == [[1.5, 1.5]]
    assert [label.get_text() for label in ax.get_yticklabels()] == numbers["arm"].tolist()
