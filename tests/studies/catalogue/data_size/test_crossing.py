import math

import pytest

from studies.catalogue.data_size.crossing import crossing

SIZES = [100, 1000, 10_000]


def line(*differences: float, width: float = 0.1) -> tuple[list[float], list[float], list[float]]:
    return list(differences), [each - width for each in differences], [each + width for each in differences]


def test_a_line_crosses_between_the_last_size_above_and_the_first_below():
    found = crossing(SIZES, *line(0.3, 0.2, -0.2))
    assert found.examples == pytest.approx(1000 * math.sqrt(10))
    assert (found.loses_up_to, found.pays_from) == (1000, 10_000)


def test_nearer_to_the_size_with_the_smaller_difference():
    assert crossing(SIZES, *line(0.3, 0.1, -0.3)).examples == pytest.approx(1000 * 10**0.25)


def test_gates_that_always_pay_do_so_from_the_fewest_examples():
    found = crossing(SIZES, *line(-0.3, -0.2, -0.2))
    assert (found.examples, found.pays_from) == (100, 100)
    assert math.isnan(found.loses_up_to)


def test_gates_that_never_pay_have_no_crossing():
    found = crossing(SIZES, *line(0.3, 0.2, 0.2))
    assert math.isnan(found.examples)
    assert math.isnan(found.pays_from)
    assert found.loses_up_to == 10_000


def test_a_line_that_comes_back_counts_from_where_it_goes_for_good():
    found = crossing(SIZES, *line(-0.3, 0.2, -0.2))
    assert found.examples == pytest.approx(1000 * math.sqrt(10))
    assert (found.loses_up_to, found.pays_from) == (1000, 10_000)
    assert math.isnan(crossing(SIZES, *line(-0.3, -0.2, 0.2)).examples)


def test_intervals_that_hold_zero_say_neither():
    found = crossing(SIZES, *line(0.05, 0.02, -0.05))
    assert 1000 < found.examples < 10_000
    assert math.isnan(found.loses_up_to)
    assert math.isnan(found.pays_from)


def test_one_size_has_no_line():
    assert crossing([100], *line(-0.3)).examples == 100
    assert math.isnan(crossing([100], *line(0.3)).examples)
