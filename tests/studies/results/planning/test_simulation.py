import math
from typing import Any

import numpy as np
import pytest
from pandas.testing import assert_frame_equal
from scipy import stats

from core.errors import InputError
from studies.results.planning.simulation import COLUMNS, DISTRIBUTIONS, simulate
from studies.results.statistics.rule_power import detectable, probability_decided

LOOKS = (6, 10, 16, 24)
DESIGN: dict[str, Any] = {"contrasts": 3, "alpha": 0.05, "delta": 0.9, "std": 1.5, "replications": 3000}
WORDS = ["better", "worse", "equivalent", "undecided"]


def simulated(looks: tuple[int, ...] = LOOKS, seed: int = 0, **changes: Any) -> Any:
    return simulate(looks, rng=np.random.default_rng(seed), **(DESIGN | changes)).set_index("scenario")


@pytest.mark.parametrize("distribution", ["normal", "t3", "laplace", "uniform"])
@pytest.mark.parametrize("contrasts", [1, 5])
def test_no_word_is_false_in_more_than_five_of_a_hundred_studies(distribution, contrasts):
    table = simulated(distribution=distribution, contrasts=contrasts)
    # Two standard errors of the simulation above .05.
    assert table["family_error"].max() < 0.05 + 2 * math.sqrt(0.05 * 0.95 / 3000)
    assert table["family_coverage"].min() > 0.95 - 2 * math.sqrt(0.05 * 0.95 / 3000)
    assert table["family_error"].max() > 0.005


def test_what_is_detectable_is_found_in_four_of_five_contrasts():
    table = simulated()
    assert table.loc["detectable, worse", "worse"] == pytest.approx(0.8, abs=0.02)
    assert table.loc["detectable, better", "better"] == pytest.approx(0.8, abs=0.02)
    assert table.loc["detectable, worse", "difference"] == detectable(1.5, looks=LOOKS, alpha=0.05, contrasts=3)


@pytest.mark.parametrize("looks", [(12,), (6, 12)])
def test_the_words_are_as_frequent_as_their_probabilities(looks):
    table = simulated(looks, delta=2.4)
    for scenario in table.index:
        expected = probability_decided(
            table.loc[scenario, "difference"], 1.5, looks=looks, alpha=0.05, contrasts=3, delta=2.4
        )
        assert table.loc[scenario, WORDS].to_dict() == pytest.approx(expected, abs=0.03)


def test_the_hardest_case_is_contrasts_that_share_nothing():
    apart, alike = simulated(contrasts=5, alpha=0.2), simulated(contrasts=5, alpha=0.2, shared=1.0)
    assert alike.loc["no difference", "family_error"] < 0.6 * apart.loc["no difference", "family_error"]
    # Five contrasts that share everything are one.
    assert alike["family_worse"].to_numpy() == pytest.approx(alike["worse"].to_numpy())


def test_exponential_differences_are_wrong_more_often_and_the_table_says_so():
    table = simulated(distribution="exponential", contrasts=5)
    assert 0.05 < table["family_error"].max() < 0.12


def test_differences_that_were_seen_are_drawn_again():
    seen = stats.norm.ppf((np.arange(60) + 0.5) / 60)
    table = simulated(distribution=(7 + 3 * seen).tolist())
    assert table["family_error"].max() < 0.06
    assert table.loc["detectable, worse", "worse"] == pytest.approx(0.8, abs=0.03)


def test_large_differences_take_the_first_look_alone():
    table = simulated(std=1e-3)
    assert table.loc["delta, worse", "seeds"] == 6
    assert table.loc["delta, worse", "worse"] == 1
    assert table.loc["no difference", "equivalent"] > 0.98


def test_the_shares_are_shares():
    table = simulated()
    assert [*table.reset_index().columns] == [*COLUMNS]
    assert table[WORDS].sum(axis=1).to_numpy() == pytest.approx(np.ones(5))
    assert (table["coverage"] >= table["family_coverage"]).all()
    # A false word is one whose interval does not hold the truth.
    assert (table["family_error"] <= 1 - table["family_coverage"] + 1e-12).all()


def test_equal_generators_give_equal_tables():
    assert_frame_equal(simulated(seed=3, replications=200), simulated(seed=3, replications=200))
    assert not simulated(seed=3, replications=200).equals(simulated(seed=4, replications=200))


def test_the_units_are_those_of_the_differences():
    one, other = simulated(), simulated(delta=90.0, std=150.0)
    assert other["difference"].to_numpy() == pytest.approx(100 * one["difference"].to_numpy())
    assert_frame_equal(one.drop(columns="difference"), other.drop(columns="difference"))


def test_scenarios_that_are_none_are_left_out():
    assert [*simulated(delta=0.0, replications=10).index] == [
        "no difference",
        "detectable, worse",
        "detectable, better",
    ]


@pytest.mark.parametrize("distribution", [*DISTRIBUTIONS])
def test_every_distribution_is_drawn_with_mean_0_and_the_spread_asked_for(distribution):
    # With so many seeds the words depend little on the distribution, most where it has long tails.
    table = simulated((1600,), distribution=distribution, contrasts=1, delta=0.1, std=1.0, replications=1000)
    expected = probability_decided(0.0, 1.0, looks=[1600], alpha=0.05, contrasts=1, delta=0.1)
    assert table.loc["no difference", "equivalent"] == pytest.approx(expected["equivalent"], abs=0.07)
    assert table.loc["detectable, worse", "worse"] == pytest.approx(0.8, abs=0.06)


@pytest.mark.parametrize(
    "wrong",
    [
        {"std": 0.0},
        {"std": math.nan},
        {"shared": 1.5},
        {"replications": 0},
        {"delta": -1.0},
        {"contrasts": 0},
        {"distribution": "cauchy"},
        {"distribution": [0.1, 0.1]},
        {"distribution": [0.1, math.inf]},
    ],
)
def test_impossible_designs_are_refused(wrong):
    with pytest.raises(InputError):
        simulated(**wrong)
