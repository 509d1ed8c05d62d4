from typing import Any

import pytest

from studies.design.selection import Winner, select
from studies.design.setting import Setting

WHERE = Setting("digits", "8x2", 0.25), "reinforce"
LIMIT = 0.3


def record(
    error: float = 0.1, density: float = 0.25, macs: float = 100.0, status: str = "ok", *, gated: bool = True
) -> dict[str, Any]:
    found: dict[str, Any] = {"status": status, "gated": gated, "chance_error": 0.9}
    if status in ("ok", "over_budget"):
        found |= {"validation_error": error, "validation_density": density, "validation_macs": macs}
    return found


def winner(*tried: list[dict[str, Any]]) -> Winner:
    return select(*WHERE, 1, tried, LIMIT)


def test_the_lowest_mean_error_over_tuning_seeds_wins():
    found = winner([record(0.3), record(0.2)], [record(0.1), record(0.2)], [record(0.05), record(0.4)])
    assert found == Winner(*WHERE, 1, 1, found.validation_error, 0.25, 100.0, eligible_points=3, within_budget=True)
    assert found.validation_error == pytest.approx(0.15)


def test_points_over_the_density_budget_are_not_eligible():
    found = winner([record(0.2)], [record(0.1, density=0.31)])
    assert (found.point, found.eligible_points) == (0, 1)


def test_the_budget_is_of_the_mean_density_and_includes_its_end():
    found = winner([record(0.2)], [record(0.1, density=0.35), record(0.1, density=0.25)])
    assert (found.point, found.eligible_points) == (1, 2)


def test_networks_without_gates_have_no_budget():
    found = winner([record(0.2, density=1.0, gated=False)], [record(0.1, density=1.0, gated=False)])
    assert (found.point, found.eligible_points, found.within_budget) == (1, 2, True)


def test_where_none_is_eligible_the_least_density_is_taken_and_that_is_said():
    found = winner([record(0.1, density=0.5)], [record(0.3, density=0.4)], [record(0.2, density=0.4)])
    assert (found.point, found.eligible_points, found.within_budget) == (2, 0, False)


def test_ties_go_to_fewer_multiply_adds_and_then_to_the_earlier_point():
    assert winner([record(macs=100.0)], [record(macs=90.0)], [record(macs=90.0)]).point == 1


@pytest.mark.parametrize("status", ["nan", "diverged", "error", "timeout", "over_budget"])
def test_failed_runs_count_at_the_chance_floor(status):
    found = winner([record(0.5), record(0.5)], [record(0.0), record(0.0, status=status)])
    # The mean of 0 and 0.9 is 0.45: still the better one.
    assert found.point == 1
    assert found.validation_error == pytest.approx(0.45)
    assert winner([record(0.4), record(0.4)], [record(0.0), record(0.0, status=status)]).point == 0


def test_a_point_whose_runs_all_failed_is_not_eligible():
    found = winner([record(status="nan")], [record(0.89)])
    assert (found.point, found.eligible_points) == (1, 1)


def test_where_every_run_failed_the_first_point_is_taken():
    found = winner([record(status="nan")], [record(status="error")])
    assert (found.point, found.validation_error, found.within_budget) == (0, 0.9, False)


def test_nothing_of_a_test_split_is_looked_at():
    tried = [[record(0.2)], [record(0.1)]]
    flattered = [[record(0.2) | {"test_error": 0.0}], [record(0.1) | {"test_error": 1.0}]]
    assert winner(*tried) == winner(*flattered)
