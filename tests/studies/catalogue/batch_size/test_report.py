import matplotlib as mpl
import numpy as np
import pytest

from studies.catalogue.batch_size import STUDY
from studies.catalogue.batch_size.batch_speedup import BATCH_SPEEDUP
from studies.catalogue.batch_size.latency import LATENCY
from studies.catalogue.batch_size.measure_batch_latency import BATCHES
from studies.catalogue.batch_size.report import SHOWN_BATCHES, TABLE
from studies.design.freezing import FrozenStudy
from studies.design.runs import PlannedRun
from studies.report.drawing.panels import panels_of
from studies.report.drawing.style import theme
from studies.results import Results
from tests.support.invented import Record, results_of
from tests.support.records import record_of
from tests.support.tables import written


@pytest.fixture(scope="module")
def results() -> Results:
    def record(run: PlannedRun) -> Record:
        gated = run.configuration.strategy in ("top_k", "reinforce")
        calls = [
            {
                "batch": size,
                "baseline": baseline,
                "own_seconds": [1e-6 * size] * 2,
                "baseline_seconds": [4e-6] * 2,
                "own_processor_seconds": [1e-6 * size] * 2,
                "baseline_processor_seconds": [times * 1e-6] * 2,
            }
            for baseline, times in (("dense", 8), ("dense of equal MACs", 2))
            for size in BATCHES
            if gated
        ]
        return record_of(run.configuration) | {"measured": {"batch_latency": {"calls": calls}}}

    return results_of(FrozenStudy.freeze("batch_size", "quick", STUDY.scales["quick"]), record)


def test_the_table_has_both_dense_networks_side_by_side(results):
    numbers = TABLE.numbers(results)
    assert len(numbers) == 2 * 2 * len(SHOWN_BATCHES)
    row = numbers[(numbers["arm"] == "top_k") & (numbers["batch"] == 32)].iloc[0]
    assert (row["speedup"], row["speedup_equal"]) == pytest.approx((1 / 4, 1 / 16))
    assert row["examples_per_second"] == pytest.approx(1e6)
    assert written(TABLE, numbers)[0][5:] == ["1", "1", "1,000,000", "8.00", "2.00"]


def test_speed_ups_are_drawn_in_a_panel_per_strategy_and_dense_network_with_a_line_at_1(results):
    numbers = BATCH_SPEEDUP.numbers(results)
    with mpl.rc_context(theme()):
        axes = panels_of(BATCH_SPEEDUP.draw(numbers))
    assert [ax.get_title() for ax in axes] == [
        f"{strategy}, against {reference}"
        for strategy in ("top_k", "reinforce")
        for reference in ("dense", "dense of equal MACs")
    ]
    for ax in axes:
        one, *densities = ax.lines
        assert np.asarray(one.get_ydata()).tolist() == [1, 1]
        assert len(densities) == 2
        assert np.asarray(densities[0].get_xdata()).tolist() == list(BATCHES)


def test_latency_shows_the_dense_networks_beside_the_strategies(results):
    numbers = LATENCY.numbers(results)
    shown = numbers[numbers["target_density"] == 1 / 8].set_index("arm")["microseconds"]
    assert shown.to_dict() == pytest.approx({"dense": 8, "small_dense": 2, "top_k": 1, "reinforce": 1})


def test_nothing_is_shown_of_runs_that_broke_down():
    design = FrozenStudy.freeze("batch_size", "quick", STUDY.scales["quick"])
    failed = results_of(design, lambda run: record_of(run.configuration, "nan"))
    assert TABLE.numbers(failed).empty
    assert LATENCY.numbers(failed).empty
    assert BATCH_SPEEDUP.numbers(failed).empty
