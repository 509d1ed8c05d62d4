import math

import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest
from scipy import stats

from core.errors import InputError
from studies.results.statistics.datasets.ranks import critical_difference, friedman_p, indistinct_groups, mean_ranks

TABLES = hnp.arrays(float, st.tuples(st.integers(1, 6), st.integers(1, 6)), elements=st.integers(0, 4))


@hypothesis.given(TABLES)
def test_ranks_of_a_setting_sum_to_those_of_its_places(table):
    arms = table.shape[1]
    ranks = mean_ranks(table)
    assert ranks.sum() == pytest.approx(arms * (arms + 1) / 2)
    assert mean_ranks(10 * table[::-1] + 3) == pytest.approx(ranks)


def test_a_failure_is_last_and_failures_share_the_last_places():
    assert mean_ranks([[math.inf, 0.1, math.inf]]).tolist() == [2.5, 1.0, 2.5]


def test_equal_arms_are_called_different_in_five_of_a_hundred_comparisons():
    rng = np.random.default_rng(330)
    found = np.array([friedman_p(rng.normal(size=(12, 4))) for _ in range(1000)])
    assert np.mean(found < 0.05) == pytest.approx(0.05, abs=0.02)


def test_friedman_is_scipys_on_the_errors():
    table = np.random.default_rng(331).normal(size=(9, 5)) + np.arange(5) / 3
    assert friedman_p(table) == pytest.approx(stats.friedmanchisquare(*table.T).pvalue)
    table[2, 3] = math.inf
    assert 0 < friedman_p(table) < 1


def test_arms_that_always_tie_are_alike():
    assert friedman_p(np.ones((4, 3))) == 1.0


@pytest.mark.parametrize(
    ("arms", "quantile"), [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (8, 3.031), (10, 3.164)]
)
def test_the_critical_difference_has_the_published_quantiles(arms, quantile):
    # Demsar 2006, table 5a.
    assert critical_difference(arms, 20) == pytest.approx(quantile * math.sqrt(arms * (arms + 1) / 120), abs=1e-3)


def test_pairs_of_equal_arms_are_told_apart_in_five_of_a_hundred_comparisons():
    rng = np.random.default_rng(332)
    difference = critical_difference(5, 15)
    apart = [np.ptp(mean_ranks(rng.normal(size=(15, 5)))) >= difference for _ in range(1500)]
    assert 0.02 < np.mean(apart) < 0.065


@hypothesis.given(st.lists(st.floats(1, 6), min_size=1, max_size=8), st.floats(0.1, 4))
def test_groups_hold_just_the_pairs_that_are_not_told_apart(ranks, difference):
    groups = indistinct_groups(ranks, difference)
    together = {frozenset((one, other)) for group in groups for one in group for other in group if one != other}
    expected = {
        frozenset((one, other))
        for one in range(len(ranks))
        for other in range(one)
        if abs(ranks[one] - ranks[other]) < difference
    }
    assert together == expected
    assert not any(set(one) < set(other) for one in groups for other in groups)


@pytest.mark.parametrize("table", [[], [0.1, 0.2], [[0.1, math.nan]]])
def test_what_cannot_be_ranked_is_refused(table):
    with pytest.raises(InputError):
        mean_ranks(table)


def test_too_few_settings_or_arms_are_refused():
    with pytest.raises(InputError, match="three arms"):
        friedman_p([[0.1, 0.2], [0.2, 0.3]])
    with pytest.raises(InputError, match="two arms"):
        critical_difference(1, 10)
    with pytest.raises(InputError, match="level"):
        critical_difference(3, 10, alpha=0.0)
