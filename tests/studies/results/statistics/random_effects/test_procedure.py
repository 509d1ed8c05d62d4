import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from core.errors import InputError
from studies.results.statistics.curves import expected_maximum_of_normals
from studies.results.statistics.random_effects.procedure import (
    procedure_difference,
    procedure_error,
    procedure_optimism,
)

POINTS, SEEDS = 8, 3


def search(
    rng: np.random.Generator, searches: int, *, common_seeds: bool, shared: float = 0.7, spread: float = 0.01
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Winners of searches among points of errors about .2: error in the search [R], and on fresh seeds [R, n]."""
    noise = 0.02
    truth = 0.2 + spread * rng.normal(size=(searches, POINTS))
    tried = truth + noise * rng.normal(size=(searches, POINTS))
    winner = tried.argmin(axis=1)
    rows = np.arange(searches)
    of_seeds = rng.normal(size=(1 if common_seeds else searches, SEEDS)) * math.sqrt(shared)
    own = rng.normal(size=(searches, SEEDS)) * math.sqrt(1 - shared)
    return tried[rows, winner], truth[rows, winner][:, None] + noise * (of_seeds + own)


def expected_error(spread: float) -> float:
    """Mean true error of a winner: the best of K by truth plus noise, of which truth has this share."""
    total = math.hypot(spread, 0.02)
    return 0.2 - expected_maximum_of_normals(POINTS) * spread**2 / total


@pytest.mark.parametrize("common_seeds", [True, False])
@pytest.mark.parametrize(("searches", "spread"), [(3, 0.01), (4, 0.0), (4, 0.02)])
def test_the_interval_covers_what_searching_once_is_worth(searches, spread, common_seeds):
    rng = np.random.default_rng(320)
    covered = []
    for _ in range(1200):
        _, fresh = search(rng, searches, common_seeds=common_seeds, spread=spread)
        found = procedure_error(fresh, common_seeds=common_seeds)
        covered.append(found.low <= expected_error(spread) <= found.high)
    assert 0.93 < np.mean(covered) < 0.995


def test_the_t_interval_over_searches_on_common_seeds_covers_too_seldom():
    rng = np.random.default_rng(321)
    covered = []
    for _ in range(1200):
        _, fresh = search(rng, 4, common_seeds=True, spread=0.0)
        found = procedure_error(fresh, common_seeds=False)
        covered.append(found.low <= 0.2 <= found.high)
    assert np.mean(covered) < 0.8


@pytest.mark.parametrize("common_seeds", [True, False])
def test_optimism_under_noise_alone_is_that_of_the_best_of_k(common_seeds):
    rng = np.random.default_rng(322)
    truth = 0.02 * expected_maximum_of_normals(POINTS)
    found = []
    for _ in range(1200):
        searched, fresh = search(rng, 4, common_seeds=common_seeds, spread=0.0)
        found.append(procedure_optimism(searched.tolist(), fresh, common_seeds=common_seeds))
    assert np.mean([one.mean for one in found]) == pytest.approx(truth, abs=0.002)
    assert 0.93 < np.mean([one.low <= truth <= one.high for one in found]) < 0.995


@pytest.mark.parametrize("common_seeds", [True, False])
@pytest.mark.parametrize("level", [0.05, 0.01])
@pytest.mark.parametrize("spread", [0.0, 0.02])
def test_the_interval_of_a_difference_errs_no_more_often_than_its_level(common_seeds, level, spread):
    rng = np.random.default_rng(324)
    missed = []
    for _ in range(1500):
        arm, reference = (search(rng, 5, common_seeds=common_seeds, spread=spread)[1] for _ in range(2))
        found = procedure_difference(arm - reference, level, common_seeds=common_seeds)
        missed.append(not found.low <= 0.0 <= found.high)
    # Twice the standard error of 1,500 draws.
    assert np.mean(missed) < level + 2 * math.sqrt(level * (1 - level) / 1500)


def test_searches_of_which_one_in_a_few_finds_nothing_do_not_make_a_difference_certain():
    # The mean over searches is .05, but most of them have less.
    rng = np.random.default_rng(325)
    t_missed, missed = [], []
    for _ in range(1500):
        differences = rng.exponential(0.05, size=(5, 1)) + 0.002 * rng.normal(size=(5, SEEDS))
        low, high = stats.ttest_1samp(differences.mean(axis=1), 0.0).confidence_interval()
        t_missed.append(not low <= 0.05 <= high)
        found = procedure_difference(differences, 0.05)
        missed.append(not found.low <= 0.05 <= found.high)
    assert np.mean(t_missed) > 0.1
    assert np.mean(missed) < 0.05


def test_a_difference_of_procedures_is_within_minus_1_and_1_and_has_a_width():
    far = procedure_difference([[0.9], [-0.9], [0.8]], 0.01)
    assert (far.low, far.high) == (-1.0, 1.0)
    equal = procedure_difference([[0.1, 0.1]] * 4, 0.05)
    assert (equal.mean, equal.low, equal.high) == pytest.approx((0.1, -1.0, 1.0))
    crossed = procedure_difference([[0.01, 0.03], [0.02, 0.03], [0.01, 0.04]], 0.05, common_seeds=True)
    assert -1 < crossed.low < crossed.mean < crossed.high < 1


def test_searches_that_find_the_same_winner_still_have_a_width():
    # On common seeds their rows are equal; seeds alone tell of the spread.
    row = [0.20, 0.22, 0.24]
    found = procedure_error([row, row, row], common_seeds=True)
    low, high = stats.ttest_1samp(row, 0.0).confidence_interval()
    assert found.high - found.low == pytest.approx(high - low, rel=0.2)


@pytest.mark.parametrize("value", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("common_seeds", [True, False])
def test_equal_runs_bound_nothing(value, common_seeds):
    table = np.full((3, 4), value)
    found = procedure_error(table, common_seeds=common_seeds)
    assert (found.mean, found.low, found.high) == pytest.approx((value, 0.0, 1.0))
    flattered = procedure_optimism([value] * 3, table, common_seeds=common_seeds)
    assert (flattered.mean, flattered.low, flattered.high) == (0.0, -1.0, 1.0)


@pytest.mark.parametrize("common_seeds", [True, False])
def test_the_interval_stays_within_0_and_1_and_holds_the_mean(common_seeds):
    rng = np.random.default_rng(323)
    for _ in range(300):
        table = rng.beta(0.2, 0.4, size=(3, 2))
        found = procedure_error(table, common_seeds=common_seeds)
        assert 0 <= found.low < found.high <= 1
        assert found.low <= found.mean <= found.high
        assert (found.searches, found.seeds) == (3, 2)


def test_one_winner_that_fails_to_learn_is_not_hidden_by_the_first():
    # The first search's winner has 8 %, another's 90 %.
    found = procedure_error([[0.08, 0.08], [0.10, 0.09], [0.90, 0.89]], common_seeds=False)
    assert found.mean == pytest.approx(0.357, abs=0.001)
    assert found.high > 0.9


@pytest.mark.parametrize(
    ("table", "common_seeds"),
    [([[0.1, 0.2]], False), ([[0.1], [0.2]], True), ([0.1, 0.2], False), ([[0.1, math.nan], [0.1, 0.2]], False)],
)
def test_too_few_searches_or_seeds_are_refused(table, common_seeds):
    with pytest.raises(InputError):
        procedure_error(table, common_seeds=common_seeds)


def test_what_is_no_fraction_is_refused():
    with pytest.raises(InputError, match="fractions"):
        procedure_error([[8.0, 9.0], [7.0, 8.0]], common_seeds=False)


@pytest.mark.parametrize("searched", [[0.1], [0.1, math.nan], [0.1, 0.2, 0.3]])
def test_a_search_without_its_error_is_refused(searched):
    with pytest.raises(InputError, match="one finite error"):
        procedure_optimism(searched, [[0.1], [0.2]], common_seeds=False)
