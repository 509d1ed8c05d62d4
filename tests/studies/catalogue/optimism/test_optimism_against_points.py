import numpy as np
import pytest
from matplotlib.collections import FillBetweenPolyCollection

from studies.catalogue.optimism.optimism_against_points import OPTIMISM_AGAINST_POINTS
from studies.design import Search
from tests.support.drawings import axes_of, lines_of
from tests.support.invented import random_record, results_of
from tests.support.records import design_of

SEARCH = Search(points=4, seeds=2, searches=3, rerun_seeds=1)


def test_every_strategy_has_a_panel_with_its_curve_in_points():
    results = results_of(design_of("small_dense", "top_k", test_split="fixed", search=SEARCH), random_record())
    numbers = OPTIMISM_AGAINST_POINTS.numbers(results)
    axes = axes_of(OPTIMISM_AGAINST_POINTS, numbers)
    assert [ax.get_title() for ax in axes] == ["small_dense", "top_k"]
    for ax, (_, rows) in zip(axes, numbers.groupby("arm"), strict=True):
        curve = [(float(k), round(100 * optimism, 6)) for k, optimism in zip(rows["k"], rows["optimism"], strict=True)]
        assert curve in lines_of(ax)
        (band,) = [shape for shape in ax.collections if isinstance(shape, FillBetweenPolyCollection)]
        heights = np.asarray(band.get_paths()[0].vertices)[:, 1]
        assert (heights.min(), heights.max()) == pytest.approx(
            (100 * rows["ci_low"].min(), 100 * rows["ci_high"].max())
        )
    assert "95 % t interval over the searches" in OPTIMISM_AGAINST_POINTS.caption(results)


def test_without_a_search_there_is_nothing_to_show():
    assert OPTIMISM_AGAINST_POINTS.numbers(results_of(design_of("top_k"), random_record())).empty
