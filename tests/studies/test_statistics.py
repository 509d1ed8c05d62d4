import math

import numpy as np
import pytest
from scipy import stats

from studies.statistics import interquartile_mean, t_interval

VALUES = [0.071, 0.064, 0.080, 0.069, 0.075]
T_975_4 = 2.7764451051977987  # tables of Student's t: two-sided 5 %, 4 degrees of freedom


def test_the_interval_of_five_values_by_hand():
    mean = sum(VALUES) / 5
    standard_error = math.sqrt(sum((value - mean) ** 2 for value in VALUES) / 4 / 5)
    low, high = t_interval(VALUES)
    assert low == pytest.approx(mean - T_975_4 * standard_error, abs=1e-12)
    assert high == pytest.approx(mean + T_975_4 * standard_error, abs=1e-12)


@pytest.mark.parametrize("confidence", [0.5, 0.9, 0.95, 0.99])
def test_the_interval_agrees_with_the_t_distribution(confidence):
    expected = stats.t.interval(confidence, df=4, loc=np.mean(VALUES), scale=stats.sem(VALUES))
    assert t_interval(VALUES, confidence) == pytest.approx(expected)


def test_the_interval_does_not_depend_on_order_and_moves_with_the_data():
    low, high = t_interval(VALUES)
    assert t_interval(VALUES[::-1]) == pytest.approx((low, high))
    assert t_interval([10 * value + 1 for value in VALUES]) == pytest.approx((10 * low + 1, 10 * high + 1))


@pytest.mark.parametrize("values", [[], [0.3]])
def test_fewer_than_two_values_have_no_interval(values):
    assert all(math.isnan(end) for end in t_interval(values))


def test_equal_values_have_an_interval_of_no_width():
    assert t_interval([0.9, 0.9, 0.9]) == (0.9, 0.9)


def test_values_that_differ_by_rounding_alone_raise_no_warning():
    low, high = t_interval([0.9, np.nextafter(0.9, 1), 0.9])
    assert (low, high) == pytest.approx((0.9, 0.9))


@pytest.mark.parametrize("n", [3, 10])
def test_the_interval_covers_the_mean_in_95_of_100_samples(n):
    samples = np.random.default_rng(20).normal(loc=0.3, size=(3000, n))
    covered = np.mean([low <= 0.3 <= high for low, high in map(t_interval, samples)])
    assert covered == pytest.approx(0.95, abs=0.012)


def test_the_interquartile_mean_leaves_out_a_quarter_at_each_end():
    assert interquartile_mean([9.0, 1.0, 2.0, 3.0, 100.0, 4.0, 5.0, -50.0]) == pytest.approx((2 + 3 + 4 + 5) / 4)


def test_the_interquartile_mean_of_two_failures_in_ten_hides_them():
    errors = [0.1] * 8 + [0.9] * 2
    assert interquartile_mean(errors) == pytest.approx(0.1)
    assert np.mean(errors) == pytest.approx(0.26)
