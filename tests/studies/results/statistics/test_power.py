import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from studies.results.statistics.power import detectable_at, minimum_detectable, seeds_needed


@pytest.mark.slow
@pytest.mark.parametrize("contrasts", [1, 10, 100])
@pytest.mark.parametrize("n", [5, 10, 20])
def test_the_minimum_detectable_difference_is_detected_in_four_of_five_studies(n, contrasts):
    alpha = 0.05 / contrasts
    rng = np.random.default_rng(n)
    seen = rng.normal(size=n)
    detectable = minimum_detectable(0.3 * seen / np.std(seen, ddof=1), alpha=alpha)
    studies = rng.normal(loc=detectable, scale=0.3, size=(20_000, n))
    detected = stats.ttest_1samp(studies, popmean=0.0, axis=1).pvalue < alpha
    assert np.mean(detected) == pytest.approx(0.80, abs=0.02)


@pytest.mark.parametrize("n", [5, 10, 20, 30])
def test_the_power_is_that_of_statsmodels(n):
    # Where statsmodels has one: at 3 seeds and a level of 0.01 its power is NaN.
    assert TTestPower().power(detectable_at(1.0, n, alpha=0.05), n, 0.05) == pytest.approx(0.8, abs=1e-9)
    assert TTestPower().power(detectable_at(1.0, n, alpha=0.01, power=0.9), n, 0.01) == pytest.approx(0.9, abs=1e-9)


@pytest.mark.parametrize("contrasts", [1, 7, 36, 100, 1000])
@pytest.mark.parametrize("n", [2, 3, 4, 10, 20, 50])
def test_the_power_holds_at_every_level(n, contrasts):
    # The mean is normal about the shift, and is detected where the standard deviation, independent of it, is small.
    alpha = 0.05 / contrasts
    shift = detectable_at(1.0, n, alpha=alpha) * math.sqrt(n)
    means = np.linspace(shift - 10, shift + 10, 4001)
    largest = (means / stats.t.isf(alpha / 2, n - 1)) ** 2
    power = np.sum(stats.norm.pdf(means - shift) * stats.chi2.cdf((n - 1) * largest, n - 1)) * 20 / 4000
    assert power == pytest.approx(0.8, abs=1e-9)


def test_the_detectable_difference_shrinks_with_seeds_and_grows_with_contrasts():
    by_seeds = [detectable_at(1.0, n, alpha=0.05) for n in range(2, 40)]
    assert by_seeds == sorted(by_seeds, reverse=True)
    by_contrasts = [detectable_at(1.0, 10, alpha=0.05 / contrasts) for contrasts in range(1, 120)]
    assert by_contrasts == sorted(by_contrasts)


def test_the_detectable_difference_is_in_the_units_of_the_differences():
    differences = np.random.default_rng(0).normal(size=12)
    assert minimum_detectable(100 * differences + 7, alpha=0.05) == pytest.approx(
        100 * minimum_detectable(differences, alpha=0.05)
    )
    assert minimum_detectable(differences, alpha=0.05) == detectable_at(
        float(np.std(differences, ddof=1)), 12, alpha=0.05
    )


def test_differences_without_noise_detect_anything():
    assert minimum_detectable([0.2, 0.2, 0.5 - 0.3], alpha=0.05) == 0.0
    assert minimum_detectable([0.0, 0.0], alpha=0.05) == 0.0
    assert detectable_at(0.0, 5, alpha=0.05) == 0.0


@pytest.mark.parametrize("differences", [[], [0.2]])
def test_fewer_than_two_differences_detect_nothing_that_could_be_named(differences):
    assert math.isnan(minimum_detectable(differences, alpha=0.05))
    assert math.isnan(detectable_at(0.1, len(differences), alpha=0.05))


@pytest.mark.parametrize("difference", [0.01, 0.1, 0.3, 0.6604, 1.0, 3.3, 11.0, 12.0])
@pytest.mark.parametrize("contrasts", [1, 20, 300])
def test_the_seeds_needed_suffice_and_one_fewer_does_not(difference, contrasts):
    alpha = 0.05 / contrasts
    n = seeds_needed(difference, 1.0, alpha=alpha)
    assert detectable_at(1.0, n, alpha=alpha) <= difference
    assert n == 2 or detectable_at(1.0, n - 1, alpha=alpha) > difference


def test_the_seeds_needed_for_what_n_detect_are_n():
    assert all(seeds_needed(detectable_at(0.3, n, alpha=0.05), 0.3, alpha=0.05) == n for n in range(2, 70))


@pytest.mark.parametrize(("d_z", "n"), [(0.2, 199), (0.5, 34), (0.8, 15)])
def test_the_seeds_needed_for_cohens_small_medium_and_large_effects(d_z, n):
    assert seeds_needed(d_z, 1.0, alpha=0.05) == n


def test_without_noise_two_seeds_are_enough():
    assert seeds_needed(0.001, 0.0, alpha=0.05) == 2


@pytest.mark.parametrize(
    ("difference", "std"), [(0.0, 1.0), (-0.1, 1.0), (math.nan, 1.0), (0.1, math.nan), (0.1, math.inf)]
)
def test_seeds_for_no_difference_or_an_unknown_noise_are_refused(difference, std):
    with pytest.raises(ValueError, match="is wanted"):
        seeds_needed(difference, std, alpha=0.05)


def test_impossible_requests_are_refused():
    with pytest.raises(ValueError, match="alpha"):
        detectable_at(1.0, 10, alpha=0.9)
    with pytest.raises(ValueError, match="alpha"):
        minimum_detectable([0.1, 0.2], alpha=0.05, power=1.0)
    with pytest.raises(ValueError, match="at least 0"):
        detectable_at(-1.0, 10, alpha=0.05)
