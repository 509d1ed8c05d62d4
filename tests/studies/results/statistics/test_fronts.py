import itertools
import math
from collections.abc import Iterable, Sequence

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from studies.results.statistics.fronts import attainment, hypervolume, pareto_front

GRID = range(5)
points = st.lists(st.tuples(st.sampled_from(GRID), st.sampled_from(GRID)), max_size=6)


def reached(cell: Sequence[float], by: Iterable[Sequence[float]]) -> bool:
    return any(x <= cell[0] and y <= cell[1] for x, y in by)


@hypothesis.given(points)
def test_the_front_is_what_nothing_else_is_as_good_as(cloud):
    expected = sorted({point for point in cloud if not reached(point, set(cloud) - {point})})
    assert pareto_front(cloud).tolist() == [list(map(float, point)) for point in expected]


@hypothesis.given(points)
def test_the_hypervolume_is_the_number_of_cells_that_are_dominated(cloud):
    cells = sum(reached(cell, cloud) for cell in itertools.product(range(3), repeat=2))
    assert hypervolume(cloud, (3.0, 3.0)) == pytest.approx(cells)


def test_the_hypervolume_by_hand():
    assert hypervolume([[0.25, 0.5], [0.5, 0.25]]) == 0.5
    assert hypervolume([[0.25, 0.5], [0.5, 0.25], [0.6, 0.6], [0.0, 1.1], [2.0, 0.0], [math.inf, 0.0]]) == 0.5
    assert hypervolume([[1.0, 0.0]]) == 0.0


def test_no_points_have_no_front_and_no_volume():
    assert hypervolume([]) == 0.0
    assert hypervolume(np.empty((0, 2))) == 0.0
    assert pareto_front([]).shape == (0, 2)
    assert pareto_front(np.empty((0, 2))).shape == (0, 2)


@hypothesis.given(
    st.lists(points, min_size=1, max_size=5), st.sampled_from([0.01, 0.2, 0.25, 0.5, 0.6, 0.75, 0.9, 1.0])
)
def test_the_attainment_surface_bounds_what_enough_seeds_reach(seeds, level):
    surface = attainment(seeds, level)
    for cell in itertools.product(GRID, repeat=2):
        enough = sum(reached(cell, seed) for seed in seeds) >= level * len(seeds) - 1e-9
        assert reached(cell, surface) == enough
    assert surface.tolist() == pareto_front(surface).tolist()


def test_the_attainment_of_one_seed_is_its_front():
    cloud = np.random.default_rng(0).random((40, 2))
    for level in (0.1, 0.5, 1.0):
        assert attainment([cloud], level).tolist() == pareto_front(cloud).tolist()


def test_a_level_that_rounding_lifts_above_a_whole_number_of_seeds_is_that_number():
    assert 0.07 * 100 > 7
    seeds = [[[0.1, 0.1]]] * 7 + [[[0.9, 0.9]]] * 93
    assert attainment(seeds, 0.07).tolist() == [[0.1, 0.1]]
    assert attainment(seeds, 0.08).tolist() == [[0.9, 0.9]]


@pytest.mark.parametrize("n", [3, 7, 20, 29, 57])
def test_the_attainment_of_every_whole_number_of_seeds(n):
    # Seed k reaches k and worse, so that k of them reach k.
    seeds = [[[k, k]] for k in range(1, n + 1)]
    assert [attainment(seeds, k / n).tolist() for k in range(1, n + 1)] == [[[k, k]] for k in range(1, n + 1)]


def test_a_seed_without_points_reaches_nothing_but_counts():
    seeds = [[[0.5, 0.5]], [], [[0.2, 0.8]]]
    assert attainment(seeds, 0.5).tolist() == [[0.5, 0.8]]
    assert attainment(seeds, 1.0).shape == (0, 2)
    assert attainment([[], []], 0.5).shape == (0, 2)
    assert attainment([[], []], 1e-12).shape == (0, 2)


@pytest.mark.parametrize("level", [0.0, -0.5, 1.1, math.nan])
def test_a_level_is_a_share_of_seeds(level):
    with pytest.raises(ValueError, match="level"):
        attainment([[[0.5, 0.5]]], level)


def test_no_seeds_attain_nothing():
    with pytest.raises(ValueError, match="no seeds"):
        attainment([], 0.5)


@pytest.mark.parametrize(
    ("cloud", "match"), [([[0.1, math.nan]], "NaN"), ([[0.1, 0.2, 0.3]], "shape"), ([0.1, 0.2], "shape")]
)
def test_what_are_no_points_is_refused(cloud, match):
    with pytest.raises(ValueError, match=match):
        pareto_front(cloud)
    with pytest.raises(ValueError, match=match):
        hypervolume(cloud)
    with pytest.raises(ValueError, match=match):
        attainment([cloud], 0.5)


def test_the_caller_keeps_its_points():
    cloud = np.array([[0.9, 0.1], [0.1, 0.9], [0.5, 0.5]])
    before = cloud.copy()
    pareto_front(cloud)[:] = 7
    attainment([cloud, cloud], 0.5)[:] = 7
    hypervolume(cloud)
    assert np.array_equal(cloud, before)
