import math
from typing import Any

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from core.errors import InputError
from studies.results.statistics.decision import decide
from studies.results.statistics.looks import look_levels, quantiles, repeated_interval, repeated_intervals
from studies.results.statistics.rule_power import detectable, probability_decided, seeds_needed

DESIGNS = [([6], 1), ([10], 4), ([20], 1), ([30], 5), ([6, 10, 16, 24], 1), ([6, 10, 16, 24], 5), ([10, 20], 3)]


@pytest.mark.parametrize(("looks", "contrasts"), DESIGNS)
def test_what_is_detectable_is_detected_in_four_of_five_studies(looks, contrasts):
    shift = detectable(0.3, looks=looks, alpha=0.05, contrasts=contrasts)
    samples = np.random.default_rng(200).normal(shift, 0.3, size=(20_000, looks[-1]))
    found = np.zeros(len(samples), dtype=bool)
    for look, level in zip(looks, look_levels(looks, 0.05 / contrasts), strict=True):
        found |= repeated_intervals(samples[:, :look], level)[0] > 0
    # The requirement is .02; each side's own error is .003.
    assert found.mean() == pytest.approx(0.80, abs=0.012)


@pytest.mark.parametrize(("looks", "contrasts"), DESIGNS)
def test_the_words_are_as_frequent_as_said(looks, contrasts):
    difference, delta = -0.1, 0.25
    chances = probability_decided(difference, 0.3, looks=looks, alpha=0.05, contrasts=contrasts, delta=delta)
    rng = np.random.default_rng(201)
    levels = look_levels(looks, 0.05 / contrasts)
    seen = dict.fromkeys(chances, 0)
    for sample in rng.normal(difference, 0.3, size=(1500, looks[-1])):
        words = [
            decide(*repeated_interval(sample[:look].tolist(), level), delta)
            for look, level in zip(looks, levels, strict=True)
        ]
        seen[next((word for word in words if word != "undecided"), "undecided")] += 1
    assert math.fsum(chances.values()) == pytest.approx(1.0)
    for word, chance in chances.items():
        # Four standard errors of the simulation.
        assert seen[word] / 1500 == pytest.approx(chance, abs=4 * math.sqrt(max(chance * (1 - chance), 0.001) / 1500))


def detectable_by_t(n: int, alpha: float) -> float:
    """The difference, in standard deviations, that a t test finds with probability .8 (statsmodels)."""
    return float(TTestPower().solve_power(nobs=n, alpha=alpha, power=0.8))


def test_without_the_margin_the_formula_is_that_of_the_t_test(monkeypatch):
    def of_t(skewness, n, level):
        both = np.full(np.shape(skewness), stats.t.isf(level / 2, n - 1))
        return both, both

    monkeypatch.setattr("studies.results.statistics.rule_power.quantiles", of_t)
    difference = detectable_by_t(12, 0.01)
    words = probability_decided(difference, 1.0, looks=[12], alpha=0.05, contrasts=5, delta=0.0)
    assert words["worse"] == pytest.approx(0.8, abs=1e-3)


def test_the_power_is_below_that_of_the_t_test_and_nears_it():
    gaps = []
    for n in (6, 10, 20, 60):
        ours = detectable(1.0, looks=[n], alpha=0.05, contrasts=1)
        gaps.append(ours / detectable_by_t(n, 0.05))
    assert gaps == sorted(gaps, reverse=True)
    assert 1.0 < gaps[-1] < 1.04
    assert gaps[0] > 1.3


def test_an_early_look_costs_little_of_what_is_detectable():
    one = detectable(1.0, looks=[24], alpha=0.05, contrasts=1)
    four = detectable(1.0, looks=[6, 10, 16, 24], alpha=0.05, contrasts=1)
    assert one < four < 1.25 * one


def test_the_detectable_difference_is_in_units_of_the_spread():
    design: dict[str, Any] = {"looks": [8, 12], "alpha": 0.05, "contrasts": 2}
    assert detectable(3.0, **design) == pytest.approx(3 * detectable(1.0, **design))
    assert detectable(1.0, **design) < detectable(1.0, **design, power=0.9)


@pytest.mark.parametrize("std", [0.0, math.nan])
def test_without_a_spread_nothing_detectable_can_be_named(std):
    assert math.isnan(detectable(std, looks=[10], alpha=0.05, contrasts=1))


def test_one_seed_detects_nothing():
    assert detectable(1.0, looks=[1], alpha=0.05, contrasts=1) == math.inf


@pytest.mark.parametrize(("difference", "delta"), [(0.5, 0.0), (1.0, 0.1), (3.0, 0.0), (0.0, 0.8), (0.2, 0.8)])
def test_the_seeds_needed_suffice_and_one_fewer_does_not(difference, delta):
    design = {"alpha": 0.05, "contrasts": 2, "delta": delta}
    n = seeds_needed(difference, 1.0, **design)
    assert n is not None
    assert 1 - probability_decided(difference, 1.0, looks=[n], **design)["undecided"] >= 0.8
    assert 1 - probability_decided(difference, 1.0, looks=[n - 1], **design)["undecided"] < 0.8


def test_the_seeds_needed_for_what_n_detect_are_about_n():
    for n in (6, 12, 40):
        difference = detectable(0.3, looks=[n], alpha=0.05, contrasts=3)
        assert seeds_needed(difference, 0.3, alpha=0.05, contrasts=3, delta=0.0) == pytest.approx(n, abs=1)


def test_no_number_of_seeds_shows_what_is_not_there():
    assert seeds_needed(0.0, 1.0, alpha=0.05, contrasts=1, delta=0.01) is None


def test_the_skewness_that_is_integrated_over_is_that_of_normal_values():
    # Half of samples have a positive one, so half of the upper ends are above those of no skewness.
    low, high = repeated_intervals(np.random.default_rng(202).normal(size=(20_000, 9)), 0.05)
    widths = probability_decided(0.0, 1.0, looks=[9], alpha=0.05, contrasts=1, delta=1.2)
    assert np.mean((low > -1.2) & (high < 1.2)) == pytest.approx(widths["equivalent"], abs=0.012)
    lower, upper = quantiles([-1.0, 1.0], 9, 0.05)
    assert lower.tolist() == upper[::-1].tolist()


@pytest.mark.parametrize(
    "wrong",
    [{"std": 0.0}, {"std": math.nan}, {"difference": math.inf}, {"contrasts": 0}, {"delta": -0.1}, {"alpha": 1}],
)
def test_impossible_designs_are_refused(wrong):
    design = {"difference": 0.1, "std": 1.0, "looks": [8], "alpha": 0.05, "contrasts": 1, "delta": 0.1} | wrong
    with pytest.raises(InputError):
        probability_decided(design.pop("difference"), design.pop("std"), **design)
    with pytest.raises(InputError):
        probability_decided(0.1, 1.0, looks=[8, 16], alpha=0.05, contrasts=0, delta=0.1)


@pytest.mark.parametrize("wrong", [{"std": -1.0}, {"std": math.inf}, {"power": 1.0}, {"power": 0.01}])
def test_impossible_powers_are_refused(wrong):
    design = {"std": 1.0, "looks": [8], "alpha": 0.05, "contrasts": 1} | wrong
    with pytest.raises(InputError):
        detectable(design.pop("std"), **design)
