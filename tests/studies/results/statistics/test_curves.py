import itertools
import math
from statistics import fmean

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from studies.results.statistics.curves import expected_best, expected_maximum_of_normals, survival

errors = st.lists(st.floats(0, 1) | st.sampled_from([0.1, 0.5]), min_size=1, max_size=8)


@hypothesis.given(errors, st.lists(st.sampled_from([0.0, 0.1, 0.3, 0.5, 1.0, 2.0, -1.0]), max_size=5))
def test_the_profile_counts_the_values_above_each_threshold(values, at):
    expected = [sum(value > threshold for value in values) / len(values) for threshold in at]
    assert survival(values, at) == pytest.approx(expected)


def test_the_profile_counts_infinite_values_as_above_all_thresholds():
    assert survival([0.1, math.inf], [0.0, 0.1, 1e300]) == [1.0, 0.5, 0.5]


@pytest.mark.parametrize("values", [[], [0.1, math.nan]])
def test_the_profile_of_no_values_or_nan_is_refused(values):
    with pytest.raises(ValueError, match=r"no values|nan"):
        survival(values, [0.5])


@hypothesis.given(errors, st.data())
def test_the_expected_best_is_the_mean_over_all_subsets(values, data):
    k = data.draw(st.integers(1, len(values)))
    expected = fmean(min(subset) for subset in itertools.combinations(values, k))
    assert expected_best(values, k) == pytest.approx(expected, abs=1e-12)


def test_the_expected_best_of_one_is_the_mean_and_of_all_the_lowest():
    values = np.random.default_rng(0).normal(size=300).tolist()
    assert expected_best(values, 1) == pytest.approx(np.mean(values))
    assert expected_best(values, 300) == min(values)
    curve = [expected_best(values, k) for k in (1, 2, 5, 20, 100, 150, 299)]
    assert curve == sorted(curve, reverse=True)


def test_the_expected_best_is_infinite_only_where_all_may_have_failed():
    assert expected_best([math.inf, 0.2, 0.4], 2) == pytest.approx((0.2 + 0.2 + 0.4) / 3)
    assert expected_best([math.inf, 0.2, 0.4], 1) == math.inf


@pytest.mark.parametrize(("values", "k"), [([0.1, 0.2], 0), ([0.1, 0.2], 3), ([], 1)])
def test_a_subset_has_one_to_all_of_the_values(values, k):
    with pytest.raises(ValueError, match="k is among"):
        expected_best(values, k)


# Tables of normal order statistics.
@pytest.mark.parametrize(
    ("k", "expected"),
    [(1, 0.0), (2, 0.56419), (3, 0.84628), (5, 1.16296), (10, 1.53875), (20, 1.86748), (100, 2.50759)],
)
def test_the_expected_maximum_of_normals_is_that_of_the_tables(k, expected):
    assert expected_maximum_of_normals(k) == pytest.approx(expected, abs=6e-6)


def test_the_expected_maximum_of_many_normals_is_near_its_limit():
    # Gumbel: for k of 10^9 the maximum is near b = 5.9978 plus Euler's 0.5772 / b, by the second order.
    assert expected_maximum_of_normals(10**9) == pytest.approx(5.9978 + 0.5772 / 5.9978, abs=0.01)


def test_a_maximum_of_none_is_refused():
    with pytest.raises(ValueError, match="at least 1"):
        expected_maximum_of_normals(0)


def optimism(search: np.ndarray, fresh: np.ndarray) -> np.ndarray:
    """Fresh minus search error of each search's winner, from ``[searches, K, S]`` and ``[searches, K, n]``."""
    winners = search.mean(axis=2).argmin(axis=1)
    rows = np.arange(len(search))
    return np.asarray(fresh.mean(axis=2)[rows, winners] - search.mean(axis=2)[rows, winners])


@pytest.mark.slow
@pytest.mark.parametrize(("configurations", "seeds"), [(20, 1), (20, 3), (5, 2), (1, 3)])
def test_the_winner_of_equal_configurations_disappoints_by_the_expected_maximum(configurations, seeds):
    sigma, searches = 0.02, 20_000
    rng = np.random.default_rng(50)
    search = rng.normal(0.3, sigma, size=(searches, configurations, seeds))
    found = optimism(search, rng.normal(0.3, sigma, size=(searches, configurations, 10)))
    expected = expected_maximum_of_normals(configurations) * sigma / math.sqrt(seeds)
    assert np.mean(found) == pytest.approx(expected, abs=4 * np.std(found) / math.sqrt(searches))


def test_the_winner_of_deterministic_runs_does_not_disappoint():
    means = np.random.default_rng(51).normal(0.3, 0.02, size=(100, 20, 1))
    assert optimism(np.repeat(means, 3, axis=2), np.repeat(means, 10, axis=2)) == pytest.approx(0.0, abs=1e-15)
