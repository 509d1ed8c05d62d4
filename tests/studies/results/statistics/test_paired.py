import itertools
import math

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from scipy import stats

from studies.results.statistics.paired import (
    EXACT_UP_TO,
    holm,
    probability_below,
    probability_of_improvement,
    sign_flip_p,
)

integers = st.integers(-6, 6)
few = st.lists(integers, min_size=1, max_size=9)


@hypothesis.given(few)
def test_the_sign_flip_test_counts_all_flips(differences):
    all_signs = itertools.product((1, -1), repeat=len(differences))
    sums = [int(np.dot(signs, differences)) for signs in all_signs]
    as_far = sum(abs(total) >= abs(sum(differences)) for total in sums)
    expected = as_far / len(sums)
    assert sign_flip_p(differences) == pytest.approx(expected, abs=1e-12)
    # Errors are multiples of 1 / 359 in floating point: sums that tie on paper still tie.
    assert sign_flip_p([difference / 359 for difference in differences]) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("n", [2, 5, 10, 12])
def test_the_sign_flip_test_agrees_with_scipy_run_on_all_at_once(n):
    differences = np.random.default_rng(n).normal(loc=0.4, size=n)
    whole = stats.permutation_test(
        (differences,), np.mean, permutation_type="samples", vectorized=True, n_resamples=2**n
    )
    assert sign_flip_p(differences) == pytest.approx(whole.pvalue, abs=1e-12)


@pytest.mark.parametrize("n", [1, 2, 3, 5, 20, EXACT_UP_TO])
def test_differences_of_one_sign_have_the_least_p_there_is(n):
    assert sign_flip_p(np.linspace(0.1, 0.2, n)) == 2 / 2**n


def test_as_many_differences_as_a_headline_claim_needs_are_tested_exactly():
    assert EXACT_UP_TO >= 30
    assert sign_flip_p([1.0] * 22 + [-1.0] * 8) == pytest.approx(stats.binomtest(22, 30).pvalue, rel=1e-9)


@hypothesis.given(st.lists(st.floats(-1, 1), min_size=5, max_size=5))
def test_five_seeds_never_reach_a_twentieth(differences):
    assert sign_flip_p(differences) >= 2 / 2**5 > 0.05


def test_six_seeds_can_reach_a_twentieth():
    assert sign_flip_p([0.1, 0.2, 0.1, 0.3, 0.1, 0.2]) == 2 / 2**6 < 0.05


@pytest.mark.parametrize("differences", [[], [0.0], [0.0] * 10, [0.0] * 100, [0.1, 0.2, -0.3], [1e-300, -1e-300]])
def test_a_mean_of_zero_has_a_p_of_one(differences):
    assert sign_flip_p(differences) == 1.0


def test_zeros_change_nothing():
    assert sign_flip_p([0.0, 1.0, 0.0, 2.0, 3.0, 0.0]) == sign_flip_p([1.0, 2.0, 3.0])


def test_differences_equal_but_for_rounding_raise_no_warning():
    assert sign_flip_p([0.1, np.nextafter(0.1, 1), 0.3 - 0.2, 0.1, 0.1]) == 2 / 2**5


def test_more_differences_are_flipped_at_random():
    differences = [1.0] * 24 + [-1.0] * 12
    expected = stats.binomtest(24, 36).pvalue
    # 99,999 flips: four standard errors.
    slack = 4 * math.sqrt(expected * (1 - expected) / 99_999)
    assert sign_flip_p(differences, np.random.default_rng(0)) == pytest.approx(expected, abs=slack)
    assert sign_flip_p([1.0] * 36, np.random.default_rng(0)) == 1 / 100_000


def test_flips_at_random_need_a_generator_and_exact_ones_do_not_use_it():
    with pytest.raises(ValueError, match="generator"):
        sign_flip_p([0.1, -0.2] * EXACT_UP_TO + [0.1])
    rng = np.random.default_rng(0)
    sign_flip_p([0.1, -0.3] * 5, rng)
    assert rng.random() == np.random.default_rng(0).random()


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_the_sign_flip_test_refuses_what_is_not_finite(value):
    with pytest.raises(ValueError, match="finite"):
        sign_flip_p([0.1, value])


def test_holm_by_hand():
    # Sorted .005, .01, .02, .03, .04: times 5, 4, 3, 2, 1 is .025, .04, .06, .06, .04, and none may fall.
    assert holm([0.04, 0.005, 0.03, 0.01, 0.02]) == pytest.approx([0.06, 0.025, 0.06, 0.04, 0.06])
    assert holm([0.9, 0.5, 0.7]) == [1.0, 1.0, 1.0]
    assert holm([0.03]) == [0.03]
    assert holm([]) == []


def test_holm_adjusts_alike_at_every_level():
    assert holm([0.04, 0.005, 0.03], alpha=0.5) == holm([0.04, 0.005, 0.03], alpha=0.001)


@pytest.mark.parametrize("value", [math.nan, -0.1, 1.1])
def test_holm_refuses_what_is_no_probability(value):
    with pytest.raises(ValueError, match="p values"):
        holm([0.01, value])


@pytest.mark.slow
def test_ten_equal_strategies_are_told_apart_in_a_twentieth_of_studies_at_most():
    studies, seeds, strategies = 600, 10, 10
    rng = np.random.default_rng(30)
    shared = rng.normal(size=(studies, seeds, 1))
    errors = shared + rng.normal(size=(studies, seeds, strategies + 1))
    differences = errors[:, :, 1:] - errors[:, :, :1]
    p_values = [[sign_flip_p(column) for column in study.T] for study in differences]
    slack = 3 * math.sqrt(0.05 * 0.95 / studies)
    assert 0 < np.mean([min(holm(study)) < 0.05 for study in p_values]) <= 0.05 + slack
    # One contrast alone keeps the level; ten of them unadjusted do not.
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=slack)
    assert np.mean([min(study) < 0.05 for study in p_values]) > 0.15


def test_below_counts_ties_as_one_half_and_encloses_both_ways_to_decide_the_last():
    share, low, high = probability_below([-1.0] * 5 + [0.0] * 3 + [1.0] * 2)
    assert share == pytest.approx(0.65)
    assert low == pytest.approx(stats.binomtest(6, 10).proportion_ci(method="wilson").low)
    assert high == pytest.approx(stats.binomtest(7, 10).proportion_ci(method="wilson").high)


def test_below_without_ties_is_wilsons_interval():
    n, p, z = 20, 0.75, 1.959963984540054
    centre, half = (p + z * z / (2 * n)), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    expected = p, (centre - half) / (1 + z * z / n), (centre + half) / (1 + z * z / n)
    assert probability_below([-0.1] * 15 + [0.1] * 5) == pytest.approx(expected)


@hypothesis.given(st.lists(integers, min_size=1, max_size=30))
def test_below_is_mirrored_when_the_two_strategies_are_exchanged(differences):
    share, low, high = probability_below(differences)
    assert 0 <= low <= share <= high <= 1
    mirrored = probability_below([-difference for difference in differences])
    assert mirrored == pytest.approx((1 - share, 1 - high, 1 - low), abs=1e-12)


def test_below_of_ties_alone_is_one_half_and_says_little():
    share, low, high = probability_below([0.0] * 10)
    assert share == 0.5
    assert (low, high) == pytest.approx((0.2366, 0.7634), abs=1e-4)


def test_below_takes_infinite_differences_by_their_sign_but_no_nan():
    assert probability_below([-math.inf, 1.0]) == probability_below([-1.0, 1.0])
    with pytest.raises(ValueError, match="NaN"):
        probability_below([math.nan, 1.0])
    assert all(map(math.isnan, probability_below([])))


@pytest.mark.slow
@pytest.mark.parametrize("below", [0.45, 0.7])
def test_below_covers_its_estimand_with_ties(below):
    tied, n, samples = 0.3, 20, 1500
    differences = np.random.default_rng(31).choice([-1.0, 0.0, 1.0], p=[below, tied, 0.7 - below], size=(samples, n))
    truth = below + tied / 2
    covered = np.mean([low <= truth <= high for _, low, high in map(probability_below, differences)])
    assert covered >= 0.95 - 3 * math.sqrt(0.05 * 0.95 / samples)


samples = st.lists(integers, min_size=1, max_size=12)


@hypothesis.given(samples, samples)
def test_the_probabilities_of_improvement_either_way_add_to_one(errors, reference):
    pairs = [(x < y) + (x == y) / 2 for x in errors for y in reference]
    assert probability_of_improvement(errors, reference) == pytest.approx(sum(pairs) / len(pairs))
    both = probability_of_improvement(errors, reference) + probability_of_improvement(reference, errors)
    assert both == pytest.approx(1.0, abs=1e-12)


def test_a_failed_run_of_infinite_loss_is_the_worst_of_all():
    assert probability_of_improvement([1.0, math.inf], [2.0, math.inf]) == (1 + 1 + 0 + 0.5) / 4


@pytest.mark.parametrize(("errors", "reference"), [([], [1.0]), ([1.0], []), ([math.nan], [1.0]), ([1.0], [math.nan])])
def test_the_probability_of_improvement_needs_two_whole_samples(errors, reference):
    with pytest.raises(ValueError, match="both samples"):
        probability_of_improvement(errors, reference)


def test_below_and_improvement_are_different_estimands():
    reference = np.linspace(0.0, 1.0, 20)
    errors = reference - 0.01
    assert probability_below(errors - reference)[0] == 1.0
    assert probability_of_improvement(errors, reference) == pytest.approx((20 * 19 / 2 + 20) / 400)
