import math
import typing

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from core.errors import InputError
from studies.results.statistics.hurdle import Outcome, conditional_differences, hurdle, outcome
from studies.results.statistics.intervals import rate_interval

FAILED = st.lists(st.booleans(), min_size=1, max_size=30)


@hypothesis.given(FAILED, st.randoms())
def test_what_a_failed_run_reached_is_not_looked_at(failed, random):
    errors = [random.random() for _ in failed]
    spoilt = [math.nan if lost else error for error, lost in zip(errors, failed, strict=True)]
    one, other = hurdle(errors, failed), hurdle(spoilt, failed)
    assert (one.n, one.failures, one.rate_low, one.rate_high) == (
        other.n,
        other.failures,
        other.rate_low,
        other.rate_high,
    )
    assert (one.error, one.std) == pytest.approx((other.error, other.std), nan_ok=True)


@hypothesis.given(FAILED)
def test_the_rate_has_the_exact_interval(failed):
    found = hurdle([0.1] * len(failed), failed)
    assert (found.rate_low, found.rate_high) == rate_interval(sum(failed), len(failed))
    assert found.rate_low <= found.rate == np.mean(failed) <= found.rate_high


def test_no_run_that_succeeds_has_no_error():
    found = hurdle([0.9, 0.9], [True, True])
    assert (found.rate, found.rate_high) == (1.0, 1.0)
    assert math.isnan(found.error)
    assert math.isnan(found.std)


@hypothesis.given(FAILED, FAILED)
def test_only_without_any_failure_do_both_run(arm, reference):
    found = outcome(arm, reference)
    assert (found == "both run") == (not any(arm) and not any(reference))
    assert (found == "both fail") == (all(arm) and all(reference))
    swapped = {"arm fails": "reference fails", "reference fails": "arm fails"}
    assert outcome(reference, arm) == swapped.get(found, found)


def test_every_outcome_occurs():
    sides = [[False, False], [True, False], [True, True]]
    assert {outcome(arm, reference) for arm in sides for reference in sides} == {*typing.get_args(Outcome)}


def test_seeds_on_which_a_side_fails_are_left_out():
    found = conditional_differences(
        [0.3, 0.9, 0.3, 0.2], [0.1, 0.1, 0.9, 0.3], [False, True, False, False], [False, False, True, False]
    )
    assert found == pytest.approx([0.2, -0.1])


@pytest.mark.parametrize(
    ("errors", "failed"), [([], []), ([0.1], [False, True]), ([math.nan], [False]), ([math.inf], [False])]
)
def test_runs_without_an_error_or_a_status_are_refused(errors, failed):
    with pytest.raises(InputError):
        hurdle(errors, failed)


def test_a_side_without_runs_is_refused():
    with pytest.raises(InputError, match="without runs"):
        outcome([], [True])
