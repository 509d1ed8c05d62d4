import math

import numpy as np
import pytest
from scipy import stats

from studies.catalogue.variance.spread import rank_correlation, std_interval


def test_the_interval_of_a_standard_deviation_covers_what_it_says():
    rng = np.random.default_rng(0)
    covered = [low <= 2.0 <= high for low, high in (std_interval(rng.normal(5, 2, 8).tolist()) for _ in range(2000))]
    assert np.mean(covered) == pytest.approx(0.95, abs=0.015)


def test_a_single_value_has_no_standard_deviation():
    assert all(map(math.isnan, std_interval([1.0])))


def test_equal_values_have_none_of_width():
    assert std_interval([1.0, 1.0, 1.0]) == (0.0, 0.0)


def test_the_correlation_is_that_of_ranks_and_its_interval_narrows_with_pairs():
    rng = np.random.default_rng(1)
    one = rng.normal(size=100)
    other = one + rng.normal(size=100)
    few, many = (rank_correlation(one[:n].tolist(), np.exp(other[:n]).tolist()) for n in (10, 100))
    assert many[0] == pytest.approx(float(stats.spearmanr(one, other).statistic))
    assert many[1] < many[0] < many[2]
    assert many[2] - many[1] < few[2] - few[1]


def test_the_interval_of_a_correlation_covers_what_it_says():
    rng = np.random.default_rng(2)
    # Spearman's correlation of two normal variables with the correlation 0.5 is 6 / pi asin(1 / 4).
    true = 6 / math.pi * math.asin(0.25)
    covered = []
    for _ in range(1000):
        one = rng.normal(size=11)
        _, low, high = rank_correlation(one.tolist(), (0.5 * one + 0.75**0.5 * rng.normal(size=11)).tolist())
        covered.append(low <= true <= high)
    assert np.mean(covered) == pytest.approx(0.95, abs=0.03)


def test_three_pairs_say_nothing():
    assert all(map(math.isnan, rank_correlation([1, 2, 3], [1, 2, 3])))
