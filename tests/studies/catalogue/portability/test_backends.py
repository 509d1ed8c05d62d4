import pytest

from studies.catalogue.portability.backends import COLUMNS, TRAINING_COLUMNS, trainings, ways
from studies.design.runs import PlannedRun
from tests.support.invented import Record, results_of
from tests.support.records import design_of, record_of

CPU = {
    "way": "cpu",
    "reason": None,
    "other_gates": 1,
    "difference": 1e-6,
    "equal_predictions": 1.0,
    "seconds": [1e-6, 1e-6, 4e-6],
    "reference_seconds": [2e-6, 3e-6, 4e-6],
}
TRITON = {"way": "triton", "reason": "no GPU"}
TRAINING = [{"way": "cpu", "reason": None, "parameter_difference": 1e-5, "equal_predictions": 0.9}]


def record(run: PlannedRun) -> Record:
    if run.configuration.seed == 1:
        return record_of(run.configuration, "nan")
    measured = {"batch": 256, "ways": [CPU, TRITON], "training": TRAINING}
    return record_of(run.configuration) | {"measured": {"backends": measured}}


def test_every_way_of_every_tested_run_has_a_row():
    found = ways(results_of(design_of("top_k", seeds=2), record))
    assert tuple(found.columns) == COLUMNS
    assert found["way"].tolist() == ["cpu", "triton"]
    cpu, triton = found.to_dict("records")
    assert (cpu["seed"], cpu["examples"], cpu["other_gates"]) == (0, 256, 1)
    # Ratios are 2, 3 and 1.
    assert (cpu["speedup"], cpu["microseconds"]) == pytest.approx((2, 1))
    assert triton["reason"] == "no GPU"
    assert triton["speedup"] != triton["speedup"]


def test_trainings_have_a_row_per_back_end():
    found = trainings(results_of(design_of("top_k", seeds=2), record))
    assert tuple(found.columns) == TRAINING_COLUMNS
    assert found[["way", "parameter_difference", "equal_predictions"]].to_numpy().tolist() == [["cpu", 1e-5, 0.9]]
