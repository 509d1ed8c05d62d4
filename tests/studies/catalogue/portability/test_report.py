import matplotlib as mpl
import numpy as np
import pytest

from studies.catalogue.portability import STUDY
from studies.catalogue.portability.report import FIGURES, TRAININGS, WAYS
from studies.design.freezing import FrozenStudy
from studies.design.runs import PlannedRun
from studies.report.drawing.panels import panels_of
from studies.report.drawing.style import theme
from studies.results import Results
from tests.support.invented import Record, results_of
from tests.support.records import record_of
from tests.support.tables import written


@pytest.fixture(scope="module")
def results() -> Results:
    def record(run: PlannedRun) -> Record:
        seed = run.configuration.seed
        found = {"reason": None, "equal_predictions": 1.0, "other_gates": 2, "seconds": [1e-6]}
        ways = [
            {**found, "way": "reference", "difference": 0.0, "reference_seconds": [1e-6]},
            {**found, "way": "cpu", "difference": 1e-6 * (1 + seed), "reference_seconds": [3e-6]},
            {"way": "triton", "reason": "no GPU"},
        ]
        training = [
            {"way": "cpu", "reason": None, "parameter_difference": 1e-3, "equal_predictions": 0.5},
            {"way": "triton", "reason": "no GPU"},
        ]
        measured = {"backends": {"batch": 10, "ways": ways, "training": training}}
        return record_of(run.configuration) | {"measured": measured}

    return results_of(FrozenStudy.freeze("portability", "quick", STUDY.scales["quick"]), record)


def test_the_table_has_a_row_per_way_and_strategy_over_all_seeds(results):
    numbers = WAYS.numbers(results)
    assert len(numbers) == 3 * 5
    cpu = numbers[(numbers["way"] == "cpu") & (numbers["arm"] == "top_k")].iloc[0]
    assert (cpu["examples"], cpu["other_gates"], cpu["difference"], cpu["speedup"]) == pytest.approx((20, 4, 2e-6, 3))
    cells = {(row[0], row[1]): row[2:] for row in written(WAYS, numbers)}
    # Nothing was compiled, and columns of that are not shown.
    assert cells["cpu", "top_k"] == ["4", "2.0e-06", "100.00 %", "1", "3.00", ""]
    assert cells["triton", "dense"] == ["–"] * 5 + ["no GPU"]
    assert numbers[["graphs", "compile_seconds"]].isna().all(axis=None)


def test_trainings_are_compared_in_a_table_of_their_own(results):
    cells = {(row[0], row[1]): row[2:] for row in written(TRAININGS, TRAININGS.numbers(results))}
    assert cells["cpu", "reinforce"] == ["1.0e-03", "1.0e-03", "50.00 %", ""]
    assert cells["triton", "reinforce"] == ["–", "–", "–", "no GPU"]


def test_figures_show_every_run_in_every_way_that_has_a_number(results):
    differences, speed, _ = FIGURES
    # On a logarithmic axis there is no place for a difference of 0.
    assert set(differences.numbers(results)["way"]) == {"cpu"}
    numbers = speed.numbers(results)
    with mpl.rc_context(theme()):
        (ax,) = panels_of(speed.draw(numbers))
    assert [label.get_text() for label in ax.get_yticklabels()] == ["cpu", "reference"]
    assert len(ax.collections) == 2 * 5
    assert {round(x) for dots in ax.collections for x in np.asarray(dots.get_offsets())[:, 0]} == {1, 3}
