import math

import pytest

import strategies
from studies.catalogue.training_cost import STUDY, WIDER
from studies.catalogue.training_cost.report import ERRORS, TABLES, cost_of_an_epoch, cost_to_errors
from studies.design.freezing import FrozenStudy
from studies.design.runs import PlannedRun
from studies.design.study import SCALES
from studies.results import Results
from tests.support.drawings import row_of
from tests.support.invented import Record, measured, results_of
from tests.support.records import record_of
from tests.support.tables import written


def design(scale: str = "default") -> FrozenStudy:
    return FrozenStudy.freeze("training_cost", scale, STUDY.scales[scale])  # type: ignore[index]


@pytest.mark.parametrize("scale", SCALES)
def test_every_strategy_is_run_at_its_defaults_and_dense_networks_on_every_network(scale):
    frozen = design(scale)
    assert list(frozen.sweep.strategies) == strategies.built_in()
    of = {network: {arm.strategy for arm in frozen.arms if arm.network == network} for network in (None, WIDER)}
    assert all({"dense", "small_dense"} <= names for names in of.values())
    assert frozen.sweep.search is None
    shorter = [arm.name for arm in frozen.sweep.arms if arm.training["epochs"] != frozen.sweep.training["epochs"]]
    assert shorter == ["dense, for top_k's training", "dense, for reinforce's training"]


def record(run: PlannedRun) -> Record:
    """Epochs of 3 dense passes and a second; every strategy is down to 20 % after two of them, dense to 8 %."""
    if (run.arm, run.configuration.seed) == ("top_k", 0):
        return record_of(run.configuration, "error")
    cost = 2.0 if run.configuration.strategy == "dense" else 1.0
    lowest = 0.08 if run.configuration.strategy == "dense" else 0.12
    errors = (0.5, 0.2, lowest)
    history = [
        {"epoch": n, "validation_error": error, "train_macs": 6000.0 * cost * n, "train_seconds": cost * n}
        for n, error in enumerate(errors, start=1)
    ]
    return measured(run, lowest, dense_macs=20.0) | {"history": history, "train_macs": 180.0 * cost}


@pytest.fixture(scope="module")
def results() -> Results:
    return results_of(design(), record)


def test_costs_are_those_of_the_first_epoch_that_is_good_enough_and_infinite_where_none_is(results):
    numbers = cost_to_errors(results)
    assert len(numbers) == len(results.summary)
    assert ERRORS == (0.2, 0.1, 0.08)
    dense = row_of(numbers, arm="dense")
    assert (dense["to_20_share"], dense["to_20_passes"], dense["to_20_seconds"]) == (1.0, 6.0 * 2.0, 4.0)
    assert (dense["to_8_share"], dense["to_8_passes"], dense["to_8_seconds"]) == (1.0, 9.0 * 2.0, 6.0)
    reinforce = row_of(numbers, arm="reinforce")
    assert (reinforce["to_20_passes"], reinforce["to_20_passes_low"], reinforce["to_20_passes_high"]) == (6, 6, 6)
    assert reinforce["to_8_share"] == 0.0
    assert math.isinf(reinforce["to_8_seconds"])


def test_runs_that_failed_never_get_there(results):
    top_k = row_of(cost_to_errors(results), arm="top_k")
    assert top_k["to_20_share"] == pytest.approx(5 / 6)
    assert (top_k["to_20_passes_low"], top_k["to_20_passes_high"]) == (6.0, math.inf)


def test_what_is_never_reached_is_a_dash(results):
    table = TABLES[0]
    numbers = cost_to_errors(results)
    cells = written(table, numbers[numbers["arm"] == "reinforce"])
    assert cells == [["reinforce", "16x16", "100 %", "6.0", "2.00", "0 %", "–", "–", "0 %", "–", "–"]]
    assert "6 seeds" in table.caption(results)


def test_an_epoch_is_compared_with_the_dense_networks_in_the_same_setting(results):
    numbers = cost_of_an_epoch(results)
    wide = row_of(numbers, network=WIDER, strategy="reinforce")
    assert (wide["passes"], wide["passes_ratio"], wide["seconds"], wide["seconds_ratio"]) == (3.0, 0.5, 1.0, 0.5)
    assert row_of(numbers, network="16x16", arm="dense")["passes_ratio"] == 1.0
    assert not numbers.duplicated(["arm", "network"]).any()
    assert "dense_macs" not in numbers
