import pandas as pd
import pytest

from studies.catalogue.structures.width import over_widths
from studies.design import Arm
from studies.design.runs import PlannedRun
from studies.results import Results
from tests.support.drawings import axes_of, legend_of, row_of
from tests.support.invented import Record, measured, results_of
from tests.support.records import design_of

ERROR = over_widths("error", "Error", "hidden_units", "mean")
MACS = over_widths("macs", "Cost", "hidden_units", "test_macs")
COST = over_widths("cost", "Error against cost", "test_macs", "mean")
WIDE = {"2x8": (0.3, 100.0), "4x8": (0.2, 200.0), "1x3": (0.25, 50.0)}


def record(run: PlannedRun) -> Record:
    error, macs = WIDE[run.setting.network]
    return measured(run, error + 0.01 * run.configuration.seed, macs=macs)


@pytest.fixture(scope="module")
def results() -> Results:
    arm = Arm("narrow", "dense", network="1x3", density=1.0)
    return results_of(design_of("top_k", seeds=2, arms=(arm,), grid=(("4x8", 0.25), ("2x8", 0.5))), record)


def test_a_strategy_is_a_line_through_its_networks_from_narrow_to_wide(results):
    numbers = ERROR.numbers(results)
    assert row_of(numbers, network="2x8")["hidden_units"] == 16
    own = numbers[numbers["arm"] == "top_k"].set_index("hidden_units")
    assert own["mean"].to_dict() == pytest.approx({16: 0.305, 32: 0.205})
    (ax,) = axes_of(ERROR, numbers)
    (line,) = [line for line in ax.lines if line.get_linestyle() == "-"]
    # In the table the wide one is first.
    assert own.index.tolist() == [32, 16]
    left, right = line.get_xdata()
    assert left < right
    assert ax.get_xticks().tolist() == [16, 32]
    assert legend_of(ERROR, numbers) == ["narrow", "top_k"]


def test_what_is_run_on_one_network_is_a_dashed_line_across(results):
    numbers = ERROR.numbers(results)
    assert row_of(numbers, arm="narrow")["mean"] == pytest.approx(0.255)
    (ax,) = axes_of(ERROR, numbers)
    assert [line.get_linestyle() for line in ax.lines].count("--") == 1


def test_cost_can_be_on_either_axis(results):
    numbers = MACS.numbers(results)
    pd.testing.assert_frame_equal(numbers, COST.numbers(results))
    points = {network: (macs, mean) for network, macs, mean in numbers[["network", "test_macs", "mean"]].to_numpy()}
    assert points == {
        "2x8": pytest.approx((100.0, 0.305)),
        "4x8": pytest.approx((200.0, 0.205)),
        "1x3": pytest.approx((50.0, 0.255)),
    }
    # The table does not say which of its columns is on which axis.
    (upright,), (across,) = axes_of(MACS, numbers), axes_of(COST, numbers)
    for interval in (upright.dataLim.intervaly, across.dataLim.intervalx):
        assert interval.tolist() == pytest.approx([50.0, 200.0])
    assert upright.get_yscale() == across.get_xscale() == "log"


def test_captions_name_both_quantities_and_the_interval_of_errors(results):
    for figure, *quantities in (
        (ERROR, "test error", "hidden units"),
        (MACS, "realised macs", "hidden units"),
        (COST, "test error", "realised macs"),
    ):
        caption = figure.caption(results).lower()
        assert all(quantity in caption for quantity in quantities)
        assert ("95 % interval" in caption) == ("test error" in quantities)
