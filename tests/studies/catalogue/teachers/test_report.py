"""The study of search teachers: honest errors beside errors with labels."""

import numpy as np
import pytest

from studies.catalogue import teachers
from studies.catalogue.teachers.label_leakage import errors_with_labels
from studies.catalogue.teachers.report import TABLE
from studies.catalogue.teachers.teacher_gates import WITH_LABELS
from studies.design.freezing import FrozenStudy
from studies.design.runs import PlannedRun
from studies.results import Results
from tests.support.drawings import axes_of, legend_of, row_of
from tests.support.invented import Record, measured, random_record, results_of
from tests.support.tables import written

LEAKING = "local_search, on the teacher's gates"


def record(run: PlannedRun) -> Record:
    """Errors of 0.2 and 0.3; with labels, of strategies that have a teacher, 0.02 and 0.04."""
    seed = run.configuration.seed
    taught = run.configuration.strategy in teachers.TEACHERS
    found = {"error_with_labels": 0.02 * (seed + 1), "agreement": 0.5} if taught else {}
    nothing = {"error_with_labels": None, "agreement": None}
    return measured(run, 0.2 + 0.1 * seed) | {"measured": {"label_leakage": {**nothing, **found}}}


@pytest.fixture(scope="module")
def results() -> Results:
    return results_of(FrozenStudy.freeze("teachers", "quick", teachers.STUDY.scales["quick"]), record)


def test_arms_on_the_teachers_gates_differ_in_nothing_else():
    design = FrozenStudy.freeze("teachers", "default", teachers.STUDY.scales["default"])
    settings = {arm.name: arm.strategy_settings for arm in design.sweep.arms}
    plain = design.sweep.strategy_settings["local_search"]
    assert {key for key, value in settings[LEAKING].items() if plain[key] != value} == {"network_gates"}


def test_errors_with_labels_stand_beside_the_honest_ones(results):
    table = errors_with_labels(results)
    row = row_of(table, arm=LEAKING)
    assert (row["mean"], row["error_with_labels"], row["agreement"]) == pytest.approx((0.25, 0.03, 0.5))
    # Two values 0.02 apart: 0.01 from their mean, which has that standard error; t with 1 degree of freedom is 12.706.
    assert row["with_labels_high"] == pytest.approx(0.03 + 12.7062 * 0.01, abs=1e-5)
    assert np.isnan(row_of(table, arm="top_k")["error_with_labels"])
    cells = {row[0]: row for row in written(TABLE, table)}
    assert cells["top_k"][4] == "–"
    assert cells[LEAKING][4] == "3.0 %"


def test_hollow_markers_are_at_the_errors_with_labels(results):
    numbers = WITH_LABELS.numbers(results)
    assert numbers["mean"].tolist() == pytest.approx([0.25] * 9)
    assert numbers["error_with_labels"].dropna().tolist() == pytest.approx([0.03] * 4)
    (ax,) = axes_of(WITH_LABELS, numbers)
    shown = [line for line in ax.lines if np.isfinite(line.get_xdata()).all()]
    hollow = [line for line in shown if line.get_markerfacecolor() == "white"]
    assert (len(shown), len(hollow)) == (9 + 4, 4)
    assert ["without" in label for label in legend_of(WITH_LABELS, numbers)] == [True, False]


def test_a_study_that_measured_nothing_has_nothing_to_show():
    results = results_of(FrozenStudy.freeze("teachers", "quick", teachers.STUDY.scales["quick"]), random_record())
    assert errors_with_labels(results).empty
