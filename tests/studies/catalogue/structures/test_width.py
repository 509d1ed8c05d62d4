import pytest
from matplotlib.axes import Axes

from studies.catalogue.structures.width import over_widths
from studies.design import Arm
from studies.design.runs import PlannedRun
from studies.results import Results
from tests.support.drawings import axes_of, lines_of, row_of, segments_of
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


def line_of_widths(ax: Axes) -> list[tuple[int, float]]:
    """The line through two widths, from which it is moved aside by up to a twentieth."""
    (line,) = [line for line in lines_of(ax) if line[0][0] > 1]
    near = {16: 0.05 * 16, 32: 0.05 * 32}
    return [(next(width for width, most in near.items() if abs(x - width) <= most + 1e-9), y) for x, y in line]


def test_a_strategy_is_a_line_through_its_networks_from_narrow_to_wide(results):
    numbers = ERROR.numbers(results)
    assert row_of(numbers, network="2x8")["hidden_units"] == 16
    (ax,) = axes_of(ERROR, numbers)
    assert line_of_widths(ax) == [(16, 30.5), (32, 20.5)]
    assert len(segments_of(ax)) == 2


def test_what_is_run_on_one_network_is_a_dashed_line_across(results):
    (ax,) = axes_of(ERROR, ERROR.numbers(results))
    (dashed,) = [line for line in ax.lines if line.get_linestyle() == "--"]
    assert list(dashed.get_ydata()) == pytest.approx([25.5, 25.5])


def test_cost_can_be_on_either_axis(results):
    numbers = MACS.numbers(results)
    (ax,) = axes_of(MACS, numbers)
    assert line_of_widths(ax) == [(16, 100.0), (32, 200.0)]
    assert ax.get_yscale() == "log"
    (ax,) = axes_of(COST, numbers)
    assert [(100.0, 30.5), (200.0, 20.5)] in lines_of(ax)
    assert [(50.0, 25.5)] in lines_of(ax)


def test_captions_name_both_quantities(results):
    assert ERROR.caption(results).startswith("Test error against hidden units")
    assert MACS.caption(results).startswith("Realised MACs per test example against hidden units")
    assert "95 % t interval" not in MACS.caption(results)
