import math

import numpy as np
import pytest
from scipy import stats

from studies.results.statistics.intervals import (
    bootstrap_interval,
    cluster_interval,
    interquartile_mean,
    rate_interval,
    t_interval,
)

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


@pytest.mark.slow
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


def test_two_failures_of_ten_at_zero_accuracy_do_not_move_the_interquartile_mean():
    accuracies = [0.9] * 8 + [0.0] * 2
    assert np.mean(accuracies) == pytest.approx(0.72)
    assert interquartile_mean(accuracies) == pytest.approx(0.90)


@pytest.mark.slow
def test_the_bootstrap_covers_the_mean_of_ten_in_only_90_of_100_samples():
    rng = np.random.default_rng(21)
    samples = rng.normal(loc=0.3, size=(2000, 10)).tolist()
    intervals = [bootstrap_interval([sample], rng, resamples=999) for sample in samples]
    # Standard error of the simulation 0.007; the t interval's 0.95 is 7 of them away.
    assert np.mean([low <= 0.3 <= high for low, high in intervals]) == pytest.approx(0.90, abs=0.02)


def test_the_bootstrap_weighs_groups_alike_whatever_their_size():
    assert bootstrap_interval([[0.0] * 8, [1.0] * 2], np.random.default_rng(0)) == (0.5, 0.5)


def test_the_bootstrap_interval_is_cut_out_of_the_means_drawn():
    # Three draws are all 9 with probability 1/27, and all 0 with 8/27: both more than 2.5 %.
    assert bootstrap_interval([[0.0, 0.0, 9.0]], np.random.default_rng(0)) == (0.0, 9.0)


def test_the_bootstrap_agrees_with_the_normal_interval_of_many_values():
    rng = np.random.default_rng(22)
    groups = [rng.normal(scale=scale, size=size).tolist() for scale, size in ((1.0, 200), (3.0, 300))]
    low, high = bootstrap_interval(groups, rng)
    mean = np.mean([np.mean(group) for group in groups])
    standard_error = math.sqrt(sum(np.var(group) / len(group) for group in groups)) / 2
    assert low == pytest.approx(mean - 1.96 * standard_error, abs=0.1 * standard_error)
    assert high == pytest.approx(mean + 1.96 * standard_error, abs=0.1 * standard_error)


def test_the_cluster_interval_does_not_take_copies_of_a_dataset_for_new_data():
    column = np.random.default_rng(23).normal(size=30)
    copies = np.stack([column] * 9, axis=1)
    one = cluster_interval(column[:, None], np.random.default_rng(1))
    assert cluster_interval(copies, np.random.default_rng(1)) == pytest.approx(one)
    low, high = bootstrap_interval(copies.T.tolist(), np.random.default_rng(1))
    assert (high - low) / (one[1] - one[0]) == pytest.approx(1 / 3, rel=0.1)


def test_a_higher_confidence_gives_a_wider_bootstrap_interval():
    groups = [VALUES, VALUES[::-1]]
    low, high = bootstrap_interval(groups, np.random.default_rng(0), confidence=0.99)
    inner_low, inner_high = bootstrap_interval(groups, np.random.default_rng(0), confidence=0.5)
    assert low < inner_low < inner_high < high


@pytest.mark.parametrize("groups", [[], [[0.1]], [[0.1, 0.2], [0.3]], [[]]])
def test_fewer_than_two_values_in_a_group_have_no_bootstrap_interval(groups):
    assert all(math.isnan(end) for end in bootstrap_interval(groups, np.random.default_rng(0)))


def test_one_seed_has_no_cluster_interval():
    assert all(math.isnan(end) for end in cluster_interval([[0.1, 0.2]], np.random.default_rng(0)))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_bootstrap_of_values_that_are_not_finite_is_refused(value):
    with pytest.raises(ValueError, match="not finite"):
        bootstrap_interval([[0.1, 0.2], [0.1, value]], np.random.default_rng(0))
    with pytest.raises(ValueError, match="not finite"):
        cluster_interval([[0.1, 0.2], [0.1, value]], np.random.default_rng(0))


@pytest.mark.parametrize("table", [[0.1, 0.2], [[], []], [[[0.1]]]])
def test_a_table_has_seeds_and_datasets(table):
    with pytest.raises(ValueError, match="shape"):
        cluster_interval(table, np.random.default_rng(0))


@pytest.mark.parametrize(("failures", "n"), [(0, 10), (2, 10), (10, 10)])
def test_the_rate_interval_is_that_of_clopper_and_pearson(failures, n):
    low = stats.beta.ppf(0.025, failures, n - failures + 1) if failures else 0.0
    high = stats.beta.ppf(0.975, failures + 1, n - failures) if failures < n else 1.0
    assert rate_interval(failures, n) == pytest.approx((low, high), abs=1e-8)


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5, 0.93])
def test_the_rate_interval_covers_every_rate_often_enough(rate):
    covering = [k for k in range(21) if rate_interval(k, 20)[0] <= rate <= rate_interval(k, 20)[1]]
    assert 0.95 <= np.sum(stats.binom.pmf(covering, 20, rate)) < 1


@pytest.mark.parametrize(("failures", "n"), [(0, 0), (3, 2), (-1, 2)])
def test_an_impossible_count_of_failures_is_refused(failures, n):
    with pytest.raises(ValueError, match="must"):
        rate_interval(failures, n)
