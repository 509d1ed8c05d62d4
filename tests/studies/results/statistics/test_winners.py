import itertools
from statistics import fmean

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest

from studies.results.statistics.curves import expected_best, expected_maximum_of_normals
from studies.results.statistics.winners import expected_of_best

# Ties are frequent.
pairs = st.lists(st.tuples(st.sampled_from([0.1, 0.2, 0.3]) | st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=7)


def by_enumeration(scores: list[float], afterwards: list[float], k: int) -> tuple[float, float]:
    """Over all subsets of k points, the best of each; points that are equally good share the subset."""
    found = []
    for subset in itertools.combinations(range(len(scores)), k):
        best = min(scores[point] for point in subset)
        found.append((best, fmean(afterwards[point] for point in subset if scores[point] == best)))
    return fmean(first for first, _ in found), fmean(second for _, second in found)


@hypothesis.given(pairs, st.data())
def test_it_is_the_mean_over_all_subsets(points, data):
    k = data.draw(st.integers(1, len(points)))
    scores, afterwards = map(list, zip(*points, strict=True))
    expected = by_enumeration(scores, afterwards, k)
    assert expected_of_best(scores, afterwards, k) == pytest.approx(expected, abs=1e-12)
    assert expected_of_best(scores, afterwards, k)[0] == pytest.approx(expected_best(scores, k), abs=1e-12)


def test_of_noise_alone_the_winner_is_too_good_by_the_expected_maximum_of_normals():
    rng = np.random.default_rng(0)
    found = [expected_of_best(rng.normal(size=40).tolist(), rng.normal(size=40).tolist(), 10) for _ in range(2000)]
    at_first, later = np.mean(found, axis=0)
    assert later - at_first == pytest.approx(expected_maximum_of_normals(10), abs=0.03)


def test_of_scores_without_noise_the_winner_is_as_good_as_it_looks():
    scores = [0.3, 0.1, 0.2, 0.1]
    for k in range(1, 5):
        at_first, later = expected_of_best(scores, scores, k)
        assert later == pytest.approx(at_first)


@pytest.mark.parametrize(("k", "message"), [(0, "k is among 1..2"), (3, "k is among 1..2")])
def test_a_subset_has_one_to_all_of_the_points(k, message):
    with pytest.raises(ValueError, match=message):
        expected_of_best([0.1, 0.2], [0.1, 0.2], k)


def test_points_have_two_scores_each():
    with pytest.raises(ValueError, match="zip"):
        expected_of_best([0.1, 0.2], [0.1], 1)
