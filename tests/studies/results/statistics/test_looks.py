import math
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from core.errors import InputError
from studies.results.statistics.looks import look_levels, quantiles, repeated_interval, repeated_intervals

LOOKS = (6, 10, 16, 24)
NORMAL = np.random.default_rng(100).normal(size=(20_000, 24))


def missed(samples: NDArray[np.float64], alpha: float, looks: Sequence[int] = LOOKS) -> float:
    """Share of samples [R, n] of mean 0 whose interval misses it at any look."""
    outside = np.zeros(len(samples), dtype=bool)
    for look, level in zip(looks, look_levels(looks, alpha), strict=True):
        low, high = repeated_intervals(samples[:, :look], level)
        outside |= (low > 0) | (high < 0)
    return float(outside.mean())


def test_the_levels_are_those_of_published_tables():
    # Lan and DeMets's program (Reboussin et al. 2000) for five equal looks, alpha .05 and the spending after Pocock.
    published = [2.4380, 2.4268, 2.4102, 2.3966, 2.3860]
    bounds = [stats.norm.isf(level / 2) for level in look_levels([2, 4, 6, 8, 10], 0.05)]
    assert bounds == pytest.approx(published, abs=1e-4)


@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_z_at_these_levels_errs_with_alpha_in_all(alpha):
    totals = np.cumsum(NORMAL, axis=1)
    over = np.zeros(len(NORMAL), dtype=bool)
    for look, level in zip(LOOKS, look_levels(LOOKS, alpha), strict=True):
        over |= np.abs(totals[:, look - 1]) / math.sqrt(look) > stats.norm.isf(level / 2)
    # Three standard errors of the simulation.
    assert over.mean() == pytest.approx(alpha, abs=3 * math.sqrt(alpha / len(NORMAL)))


def test_one_look_has_all_of_alpha_and_more_looks_have_less_each():
    assert look_levels([13], 0.03) == (0.03,)
    levels = look_levels(LOOKS, 0.05)
    assert max(levels) < 0.05 < sum(levels)


def test_a_look_at_twice_the_seeds_has_the_levels_of_half_of_each():
    assert look_levels([12, 20, 32, 48], 0.02) == pytest.approx(look_levels(LOOKS, 0.02))


@pytest.mark.parametrize("looks", [[], [1, 5], [5, 5], [10, 6]])
def test_looks_that_are_not_increasing_are_refused(looks):
    with pytest.raises(InputError, match="increasing"):
        look_levels(looks, 0.05)


@pytest.mark.parametrize("alpha", [0.0, 1.0, math.nan, -0.1])
def test_a_level_out_of_range_is_refused(alpha):
    with pytest.raises(InputError, match="above 0 and below 1"):
        look_levels([10], alpha)
    with pytest.raises(InputError, match="above 0 and below 1"):
        repeated_interval([1.0, 2.0, 4.0], alpha)


@pytest.mark.parametrize("contrasts", [1, 5])
@pytest.mark.parametrize("draw", ["normal", "t3"])
def test_symmetric_differences_err_in_at_most_five_of_a_hundred_studies(draw, contrasts):
    samples = NORMAL if draw == "normal" else np.random.default_rng(101).standard_t(3, size=NORMAL.shape)
    family = 1 - (1 - missed(samples, 0.05 / contrasts)) ** contrasts
    assert 0.01 < family <= 0.05


def test_exponential_differences_err_far_less_than_with_t_intervals():
    samples = np.random.default_rng(102).exponential(size=(20_000, 24)) - 1
    outside = np.zeros(len(samples), dtype=bool)
    for look, level in zip(LOOKS, look_levels(LOOKS, 0.01), strict=True):
        outside |= stats.ttest_1samp(samples[:, :look], 0.0, axis=1).pvalue < level
    assert 1 - (1 - outside.mean()) ** 5 > 0.25
    assert 1 - (1 - missed(samples, 0.01)) ** 5 < 0.11
    assert missed(samples, 0.05) < 0.07


def test_the_interval_holds_the_t_interval_and_nears_it_with_many_seeds():
    rng = np.random.default_rng(103)
    for n in (2, 3, 6, 20, 400):
        values = rng.gamma(2.0, size=n)
        low, high = repeated_interval(values.tolist(), 0.02)
        narrow = stats.ttest_1samp(values, 0.0).confidence_interval(0.98)
        assert low <= narrow.low + 1e-12
        assert high >= narrow.high - 1e-12
    normal = stats.norm.ppf((np.arange(2000) + 0.5) / 2000)
    low, high = repeated_interval(normal.tolist(), 0.05)
    assert high - low == pytest.approx(2 * stats.t.isf(0.025, 1999) * normal.std(ddof=1) / math.sqrt(2000), rel=2e-3)


def test_a_long_tail_moves_the_end_on_its_own_side():
    low, high = repeated_interval([0.0, 0.1, 0.2, 0.1, 0.0, 0.1, 0.2, 0.1, 0.0, 2.0], 0.05)
    mean = 0.28
    assert high - mean > 1.5 * (mean - low)
    mirrored = repeated_interval([0.0, -0.1, -0.2, -0.1, 0.0, -0.1, -0.2, -0.1, 0.0, -2.0], 0.05)
    assert mirrored == pytest.approx((-high, -low))


def test_the_skewness_used_is_scipys_without_bias():
    values = np.random.default_rng(104).exponential(size=9)
    low, high = repeated_interval(values.tolist(), 0.05)
    lower, upper = quantiles(stats.skew(values, bias=False), 9, 0.05)
    error = stats.sem(values)
    assert (low, high) == pytest.approx((values.mean() - lower * error, values.mean() + upper * error))


def test_the_interval_moves_and_scales_with_the_differences():
    values = NORMAL[0, :10]
    low, high = repeated_interval(values.tolist(), 0.03)
    assert repeated_interval((7 + 100 * values).tolist(), 0.03) == pytest.approx((7 + 100 * low, 7 + 100 * high))


def test_resampled_splits_widen_the_interval_as_nadeau_and_bengio_say():
    values = NORMAL[0, :10].tolist()
    low, high = repeated_interval(values, 0.05)
    wide = repeated_interval(values, 0.05, test_over_train=0.3)
    mean, factor = np.mean(values), math.sqrt((1 / 10 + 0.3) / (1 / 10))
    assert wide == pytest.approx((mean - factor * (mean - low), mean + factor * (high - mean)))


def test_a_variance_of_examples_alone_has_a_normal_interval():
    low, high = repeated_interval([1.0, 1.0 + 1e-6, 1.0], 0.05, example_variance=0.04)
    assert (low, high) == pytest.approx((1 - 1.96 * 0.2, 1 + 1.96 * 0.2), abs=1e-4)


@pytest.mark.parametrize("wrong", [{"example_variance": -0.1}, {"test_over_train": math.nan}])
def test_a_negative_variance_is_refused(wrong):
    with pytest.raises(InputError, match="at least 0"):
        repeated_interval([0.1, 0.2], 0.05, **wrong)


@pytest.mark.parametrize("values", [[], [0.3]])
def test_fewer_than_two_differences_have_no_interval(values):
    assert all(math.isnan(end) for end in repeated_interval(values, 0.05))


def test_equal_differences_have_an_interval_of_no_width():
    assert repeated_interval([0.1 + 0.2, 0.3, 0.3], 0.05) == (0.1 + 0.2, 0.1 + 0.2)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_difference_that_is_not_finite_is_refused(value):
    with pytest.raises(InputError, match="hurdle"):
        repeated_interval([0.1, 0.2, value], 0.05)
