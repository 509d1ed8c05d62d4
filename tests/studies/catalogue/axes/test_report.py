"""The study of estimators and gate distributions: its cells, and what its tables and figures say."""

import pytest

from studies.catalogue import axes
from studies.catalogue.axes.report import BY_GATES, CELLS, EFFECTS, cells, effects
from studies.design import DENSE_FRONT
from studies.design.freezing import FrozenStudy
from studies.results import Results
from tests.support.drawings import axes_of
from tests.support.invented import random_record, results_of
from tests.support.tables import written


@pytest.fixture(scope="module")
def results() -> Results:
    return results_of(FrozenStudy.freeze("axes", "quick", axes.STUDY.scales["quick"]), random_record())


@pytest.mark.parametrize("scale", ["quick", "default", "paper"])
def test_every_estimator_of_the_crossed_part_meets_every_distribution(scale):
    frozen = FrozenStudy.freeze("axes", scale, axes.STUDY.scales[scale])
    met = {(arm.levels["estimator"], arm.levels["gates"]) for arm in frozen.arms if arm.levels}
    assert met >= {(estimator, gates) for estimator in axes.ESTIMATORS for gates in axes.DISTRIBUTIONS}
    for arm in frozen.arms:
        if arm.levels.get("estimator") in axes.ESTIMATORS and arm.levels["gates"] in axes.DISTRIBUTIONS:
            assert arm.strategy_settings["gates"] == axes.DISTRIBUTIONS[str(arm.levels["gates"])]


def test_primary_contrasts_differ_in_one_axis_or_are_against_the_dense_network():
    arms = {arm.name: arm.levels for arm in axes.SWEEP.arms}
    for entry in axes.PRIMARY:
        if entry.reference != DENSE_FRONT:
            one, other = arms[entry.arm], arms[entry.reference]
            assert sum(one[axis] != other[axis] for axis in ("estimator", "gates")) == 1


def test_each_cell_has_the_error_of_its_arm(results):
    table = cells(results)
    assert len(table) == len(axes.SWEEP.arms)
    summary = results.summary.set_index("arm")["mean"]
    assert table.set_index("arm")["mean"].to_dict() == pytest.approx(summary[table["arm"]].to_dict())
    assert len(written(CELLS, table)) == len(table)


def test_effects_are_those_of_the_crossed_cells_alone(results):
    found = effects(results)
    rows, columns = len(axes.ESTIMATORS), len(axes.DISTRIBUTIONS)
    assert found["of"].value_counts().to_dict() == {
        "beyond both": rows * columns,
        "estimator": rows,
        "gates": columns,
    }
    means = cells(results).set_index(["estimator", "gates"])["mean"]
    crossed = [means[estimator, gates] for estimator in axes.ESTIMATORS for gates in axes.DISTRIBUTIONS]
    of_tree = [means[estimator, "tree"] for estimator in axes.ESTIMATORS]
    expected = sum(of_tree) / rows - sum(crossed) / (rows * columns)
    tree = found[(found["of"] == "gates") & (found["level"] == "tree")]["effect"].item()
    assert tree == pytest.approx(expected)
    assert "ReinMax, exactly k" in set(found["level"])
    assert len(written(EFFECTS, found)) == len(found)


def test_the_figure_has_a_point_for_each_cell(results):
    numbers = BY_GATES.numbers(results)
    assert len(numbers) == len(axes.SWEEP.arms)
    (ax,) = axes_of(BY_GATES, numbers)
    labels = [label.get_text() for label in ax.get_xticklabels()]
    assert labels[:3] == list(axes.DISTRIBUTIONS)
