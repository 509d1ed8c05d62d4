import math

import pytest

from studies.catalogue.training_cost.reached import NEVER, dense_passes, spent_until
from tests.support.records import configurations_of, design_of, record_of


def test_a_run_reaches_an_error_at_the_end_of_its_first_epoch_with_it():
    record = record_of(configurations_of(design_of("dense"))[0])
    errors = (0.4, 0.2, 0.3)
    history = [epoch | {"validation_error": error} for epoch, error in zip(record["history"], errors, strict=True)]
    record |= {"history": history, "dense_macs": 50, "train_macs": 30.0}
    # Three epochs of 1,000 are 30 for each of 100 examples.
    assert spent_until(record, 0.4) == pytest.approx((1000 / 100 / 50, 0.1))
    assert spent_until(record, 0.2) == spent_until(record, 0.3) == pytest.approx((2000 / 100 / 50, 0.2))
    assert spent_until(record, 0.1) == NEVER
    assert dense_passes(record, 3000.0) == pytest.approx(30 / 50)


@pytest.mark.parametrize("status", ["error", "nan"])
def test_what_failed_counts_as_far_as_it_came(status):
    record = record_of(configurations_of(design_of("dense"))[0], status)
    spent = spent_until(record, 1.0)
    assert math.isinf(spent.passes) == math.isinf(spent.seconds) == (status == "error")
