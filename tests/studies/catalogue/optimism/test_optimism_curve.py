import itertools
from statistics import fmean

import numpy as np
import pytest

from studies.catalogue.optimism.optimism_curve import best_of, optimism_curve
from studies.design import Search
from studies.design.runs import PlannedRun
from studies.results.statistics.intervals import t_interval
from tests.support.invented import Record, measured, random_record, results_of
from tests.support.records import CHANCE, design_of, record_of

POINTS, SEEDS, SEARCHES = 4, 3, 2
# search, point, seed; validation errors are shares of 500 examples, so ties are real.
ERRORS = np.random.default_rng(0).integers(30, 36, size=(SEARCHES, POINTS, SEEDS)) / 500
FAILED = (1, 2, 0)


def record(run: PlannedRun) -> Record:
    if run.configuration.stage == "evaluate":
        return measured(run, 0.1)
    assert run.search is not None
    assert run.point is not None
    place = run.search, run.point, run.configuration.seed % 1000
    return record_of(run.configuration, "nan") if place == FAILED else measured(run, float(ERRORS[place]))


def by_enumeration(errors: np.ndarray, k: int) -> float:
    """Over all seeds that may choose and all subsets, the winner's mean error on the other seeds minus its own."""
    found = []
    for seed, subset in itertools.product(range(SEEDS), itertools.combinations(range(POINTS), k)):
        best = min(errors[point, seed] for point in subset)
        winners = [point for point in subset if errors[point, seed] == best]
        found.append(fmean(np.delete(errors[point], seed).mean() for point in winners) - best)
    return fmean(found)


@pytest.fixture(scope="module")
def curve():
    search = Search(points=POINTS, seeds=SEEDS, searches=SEARCHES)
    design = design_of("top_k", seeds=1, test_split="fixed", search=search)
    return optimism_curve(results_of(design, record))


def test_optimism_is_the_mean_over_subsets_seeds_and_searches(curve):
    counted = ERRORS.copy()
    counted[FAILED] = CHANCE
    assert curve["k"].tolist() == list(range(1, POINTS + 1))
    for row in curve.to_dict("records"):
        expected = [by_enumeration(errors, row["k"]) for errors in counted]
        assert row["optimism"] == pytest.approx(fmean(expected))
        assert row["optimism"] == pytest.approx(row["afterwards"] - row["chosen_by"])
        assert (row["ci_low"], row["ci_high"]) == pytest.approx(t_interval(expected))
        assert row["searches"] == SEARCHES


def test_a_search_of_one_point_flatters_nothing(curve):
    assert curve["optimism"].iloc[0] == pytest.approx(0.0, abs=1e-12)


def test_seeds_of_unequal_difficulty_flatter_nothing_by_themselves():
    errors = np.add.outer([0.1, 0.2, 0.3], [0.0, 0.05])
    for k in (1, 2, 3):
        at_first, later = best_of(errors, k)
        assert later == pytest.approx(at_first)


@pytest.mark.parametrize("changes", [{}, {"test_split": "fixed", "search": Search(points=3, seeds=1, searches=2)}])
def test_without_a_second_tuning_seed_there_is_no_curve(changes):
    assert optimism_curve(results_of(design_of("top_k", **changes), random_record())).empty
