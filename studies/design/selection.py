"""The choice of one configuration among those that a search has tried."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import numpy as np

from studies.design.setting import Setting


@dataclass(frozen=True)
class Winner:
    """The configuration that a search chose for one arm in one setting, by its runs on the tuning seeds.

    Attributes:
        setting: where.
        arm: for which arm.
        search: which of the independent searches.
        point: which of its points.
        validation_error: mean over the tuning seeds; failed runs count at the chance floor.
        validation_density: mean realised density of hard gates.
        validation_macs: mean multiply-adds per example.
        eligible_points: how many points kept to the density budget.
        within_budget: whether this one did. If none did, the one of the least density is taken.
    """

    setting: Setting
    arm: str
    search: int
    point: int
    validation_error: float
    validation_density: float
    validation_macs: float
    eligible_points: int
    within_budget: bool


@dataclass(frozen=True)
class _Tried:
    point: int
    error: float
    density: float
    macs: float
    eligible: bool


def select(
    setting: Setting, arm: str, search: int, tried: Sequence[Sequence[Mapping[str, Any]]], limit: float
) -> Winner:
    """Choose the point of the lowest mean validation error among those whose realised density is within the budget.

    Ties go to fewer multiply-adds, then to the earlier point. Networks without gates have no budget to keep. Nothing of
    a test split is looked at: records of a search hold none.

    Args:
        setting: where the search was.
        arm: for which arm.
        search: which of the independent searches.
        tried: for each point its records, one per tuning seed.
        limit: the largest realised density on validation.

    Two points on two seeds, errors .1 and .3 against .2 and .1:

    >>> def record(error, density):
    ...     return {"status": "ok", "gated": True, "chance_error": 0.9, "validation_error": error,
    ...             "validation_density": density, "validation_macs": 100.0}
    >>> where = Setting("digits", "4x4", 0.25), "reinforce"
    >>> tried = [[record(0.1, 0.25), record(0.3, 0.25)], [record(0.2, 0.28), record(0.1, 0.28)]]
    >>> select(*where, 0, tried, limit=0.3).point, select(*where, 0, tried, limit=0.27).point
    (1, 0)
    """
    points = [_measured(point, records, limit) for point, records in enumerate(tried)]
    eligible = [point for point in points if point.eligible]
    if eligible:
        best = min(eligible, key=lambda point: (point.error, point.macs, point.point))
    else:
        best = min(points, key=lambda point: (point.density, point.error, point.point))
    return Winner(setting, arm, search, best.point, best.error, best.density, best.macs, len(eligible), best.eligible)


def _measured(point: int, records: Sequence[Mapping[str, Any]], limit: float) -> _Tried:
    errors = [counted_validation_error(record) for record in records]
    measured = [record for record in records if record.get("validation_density") is not None]
    if not measured:
        return _Tried(point, fmean(errors), np.inf, np.inf, eligible=False)
    density = fmean(record["validation_density"] for record in measured)
    macs = fmean(record["validation_macs"] for record in measured)
    return _Tried(point, fmean(errors), density, macs, eligible=density <= limit or not records[0]["gated"])


def counted_validation_error(record: Mapping[str, Any]) -> float:
    """Return the validation error that a run counts for: a failed one's is that of guessing."""
    floor: float = record["chance_error"]
    return min(record["validation_error"], floor) if record["status"] == "ok" else floor
