"""Failed runs as a hurdle: how often a run fails, and what the others reach. Neither is averaged with the other.

A failure has no error. A mean in which it counts as one, at the chance floor for instance, mixes two questions, and its
t interval covers far less often than it says; so an arm with failures has a failure rate, and an error on the condition
of success (the hurdle of Cragg 1971).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.errors import InputError
from studies.results.statistics.intervals import rate_interval, sample_std

Outcome = Literal["both run", "arm fails", "reference fails", "both have failures", "both fail"]


@dataclass(frozen=True)
class Hurdle:
    """What became of the runs of one arm in one setting.

    Args:
        n: runs.
        failures: of them.
        rate: failures / n.
        rate_low: lower end of the exact interval of the rate.
        rate_high: upper end.
        error: mean error of the runs that succeeded; NaN where none did.
        std: of the same, NaN for fewer than two.
    """

    n: int
    failures: int
    rate: float
    rate_low: float
    rate_high: float
    error: float
    std: float


def hurdle(errors: Sequence[float], failed: Sequence[bool], confidence: float = 0.95) -> Hurdle:
    """Return failure rate and error on the condition of success of one arm.

    One of four fails. The rate at which at most one of four has a chance of 2.5 % is .8059:

    >>> found = hurdle([0.1, 0.2, 0.9, 0.3], [False, False, True, False])
    >>> found.failures, found.rate, round(found.rate_high, 4), round(found.error, 4)
    (1, 0.25, 0.8059, 0.2)

    Args:
        errors: [n], one a run; those of failed runs are not looked at, and may be NaN.
        failed: [n], whether the run failed.
        confidence: of the interval of the rate (Clopper and Pearson 1934).

    Raises:
        InputError: there is no run, the two differ in length, or a run that succeeded has no finite error.
    """
    if len(errors) != len(failed) or not len(errors):
        raise InputError(f"an error and a failure of each run are wanted, not {len(errors)} and {len(failed)}")
    succeeded = [float(error) for error, lost in zip(errors, failed, strict=True) if not lost]
    if not np.isfinite(succeeded).all():
        raise InputError("a run that succeeded has no finite error")
    n, failures = len(errors), len(errors) - len(succeeded)
    low, high = rate_interval(failures, n, confidence)
    mean = math.fsum(succeeded) / len(succeeded) if succeeded else math.nan
    return Hurdle(n, failures, failures / n, low, high, mean, sample_std(succeeded))


def outcome(arm_failed: Sequence[bool], reference_failed: Sequence[bool]) -> Outcome:
    """Return which sides of a contrast have failures; a contrast with any has no verdict word on its errors.

    "fails" is said of a side with any failed run, "both fail" where no run of either side succeeded.

    >>> outcome([False, False], [False, False]), outcome([True, False], [False, False])
    ('both run', 'arm fails')
    >>> outcome([True, True], [True, True]), outcome([True, True], [True, False])
    ('both fail', 'both have failures')

    Args:
        arm_failed: [n], whether each run of the arm failed.
        reference_failed: [m], likewise of the reference.

    Raises:
        InputError: a side has no runs.
    """
    if not len(arm_failed) or not len(reference_failed):
        raise InputError("a side without runs neither fails nor succeeds")
    if all(arm_failed) and all(reference_failed):
        return "both fail"
    if any(arm_failed):
        return "both have failures" if any(reference_failed) else "arm fails"
    return "reference fails" if any(reference_failed) else "both run"


def conditional_differences(
    errors: Sequence[float], reference: Sequence[float], failed: Sequence[bool], reference_failed: Sequence[bool]
) -> list[float]:
    """Return the differences of errors on the seeds on which both sides succeeded: conditional, without a verdict.

    Seeds on which a side fails are not a random choice of seeds, so a mean of these is of the seeds that both can do.

    >>> conditional_differences([0.5, 0.25, 0.1], [0.25, 0.25, 0.9], [False] * 3, [False, False, True])
    [0.25, 0.0]

    Args:
        errors: [n], of the arm, one a seed.
        reference: [n], of the reference on the same seeds.
        failed: [n], whether the arm's run failed.
        reference_failed: [n], whether the reference's did.

    Raises:
        ValueError: the four differ in length.
    """
    rows = zip(errors, reference, failed, reference_failed, strict=True)
    return [float(error) - float(other) for error, other, lost, other_lost in rows if not (lost or other_lost)]
