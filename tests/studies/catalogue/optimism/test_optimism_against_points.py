from matplotlib.collections import FillBetweenPolyCollection

from studies.catalogue.optimism.optimism_against_points import OPTIMISM_AGAINST_POINTS
from studies.design import Search
from tests.support.drawings import axes_of
from tests.support.invented import random_record, results_of
from tests.support.records import design_of

SEARCH = Search(points=4, seeds=2, searches=3)


def test_every_strategy_has_a_panel_with_its_curve_in_points():
    results = results_of(design_of("small_dense", "top_k", test_split="fixed", search=SEARCH), random_record())
    numbers = OPTIMISM_AGAINST_POINTS.numbers(results)
    assert numbers.groupby("arm")["k"].apply(list).to_dict() == {"small_dense": [1, 2, 3, 4], "top_k": [1, 2, 3, 4]}
    assert set(numbers["searches"]) == {3}
    assert (numbers["ci_low"] <= numbers["optimism"]).all()
    assert (numbers["optimism"] <= numbers["ci_high"]).all()
    axes = axes_of(OPTIMISM_AGAINST_POINTS, numbers)
    assert [ax.get_title() for ax in axes] == ["small_dense", "top_k"]
    for ax in axes:
        # The line at 0, the curve, and its band.
        assert len(ax.lines) == 2
        assert len([shape for shape in ax.collections if isinstance(shape, FillBetweenPolyCollection)]) == 1
    for said in ("95 % t interval", "R = 3", "K = 4", "S = 2"):
        assert said in OPTIMISM_AGAINST_POINTS.caption(results)


def test_without_a_search_there_is_nothing_to_show():
    assert OPTIMISM_AGAINST_POINTS.numbers(results_of(design_of("top_k"), random_record())).empty
