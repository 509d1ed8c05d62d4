import math

import pytest

from studies.catalogue.training_cost.reached import NEVER, spent_until, training_epochs
from studies.design.runs import PlannedRun
from tests.support.invented import Record, results_of
from tests.support.records import design_of, record_of


def test_a_run_reaches_an_error_at_the_end_of_its_first_epoch_with_it():
    def record(run: PlannedRun) -> Record:
        found = record_of(run.configuration)
        errors = (0.4, 0.2, 0.3)
        history = [epoch | {"validation_error": error} for epoch, error in zip(found["history"], errors, strict=True)]
        return found | {"history": history, "dense_macs": 50, "train_macs": 30.0}

    epochs = training_epochs(results_of(design_of("dense", seeds=1), record))
    # Three epochs of 1,000 are 30 for each of 100 examples.
    assert spent_until(epochs, 0.4) == pytest.approx((1000 / 100 / 50, 0.1))
    assert spent_until(epochs, 0.2) == spent_until(epochs, 0.3) == pytest.approx((2000 / 100 / 50, 0.2))
    assert spent_until(epochs, 0.1) == NEVER
    assert epochs["passes"].iloc[-1] == pytest.approx(30 / 50)


@pytest.mark.parametrize("status", ["error", "nan"])
def test_what_failed_counts_as_far_as_it_came(status):
    results = results_of(design_of("dense", seeds=1), lambda run: record_of(run.configuration, status))
    spent = spent_until(training_epochs(results), 1.0)
    assert math.isinf(spent.passes) == math.isinf(spent.seconds) == (status == "error")
