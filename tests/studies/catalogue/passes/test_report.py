import matplotlib as mpl
import pytest

from studies.catalogue.passes import STUDY
from studies.catalogue.passes.report import FIGURES, PASSES
from studies.design.freezing import FrozenStudy
from studies.design.runs import PlannedRun, RunList
from studies.design.study import SCALES
from studies.report.drawing.panels import panels_of
from studies.report.drawing.style import theme
from studies.results import Results
from tests.support.invented import Memory, Record, results_of
from tests.support.invented import measured as ended
from tests.support.records import record_of
from tests.support.tables import written

MACS = {"passes of 2 blocks, 1": 100.0, "passes of 2 blocks, 4": 10_000.0}
ERRORS = {"passes of 2 blocks, 1": 0.4, "passes of 2 blocks, 4": 0.2, "act_halting, 0.1": 0.25}


def record(run: PlannedRun) -> Record:
    arm = run.arm
    halting = arm.startswith(("act_halting", "ponder_halting", "reinforce_halting"))
    examples = {"passes": [1, 1, 2, 2, 3] if halting else [2] * 5, "loss": [0.1, 0.2, 0.3, 0.4, 0.5], "wrong": [0] * 5}
    found = ended(run, ERRORS.get(arm, 0.3), macs=MACS.get(arm, 1000.0))
    return found | {"measured": {"example_passes": examples}}


@pytest.fixture(scope="module")
def results() -> Results:
    return results_of(FrozenStudy.freeze("passes", "quick", STUDY.scales["quick"]), record)


@pytest.mark.parametrize("scale", SCALES)
def test_two_passes_of_two_blocks_are_run_once_for_both_comparisons(scale):
    design = FrozenStudy.freeze("passes", scale, STUDY.scales[scale])
    ids = [run.configuration.run_id for run in RunList.of(design, Memory()).runs]
    assert len(ids) - len(set(ids)) == design.sweep.seeds * len(design.sweep.datasets)
    spent = {arm.name: arm.density for arm in design.arms if arm.name.startswith("passes of 2")}
    assert list(spent.values()) == [1 / 8, 1 / 4, 3 / 8, 1 / 2]


def test_the_table_says_what_passes_followed_and_what_they_bought(results):
    cells = {row[1]: row[2:] for row in written(PASSES, PASSES.numbers(results))}
    halting = cells["act_halting, 0.1"]
    assert halting[:3] == ["25.0 %", "1,000", "1.80"]
    assert halting[3] == "0.95"
    # Half way between 40 % and 20 % on a logarithmic axis.
    assert halting[6] == "−5.0"
    assert cells["fixed_passes, 4"][2:4] == ["2.00", "–"]
    assert PASSES.numbers(results).set_index("arm").loc["act_halting, 0.1", "beyond_fixed_n"] == 2


def test_passes_are_drawn_for_arms_whose_passes_differ_between_examples(results):
    by_difficulty, against_macs, _ = FIGURES
    numbers = by_difficulty.numbers(results)
    assert numbers["arm"].nunique() == 7
    act = numbers[numbers["arm"] == "act_halting, 0.1"]
    assert act["value"].tolist() == [1.0, 1.0, 2.0, 2.0, 3.0]
    assert act["level"].tolist() == ["easiest", "2nd", "3rd", "4th", "hardest"]
    assert set(against_macs.numbers(results)["series"]) == {
        *("small_dense", "dense", "fixed_passes", "passes of 2 blocks"),
        *("act_halting", "ponder_halting", "reinforce_halting"),
    }
    with mpl.rc_context(theme()):
        assert len(panels_of(against_macs.draw(against_macs.numbers(results)))) == 1


def test_runs_that_broke_down_have_no_numbers():
    design = FrozenStudy.freeze("passes", "quick", STUDY.scales["quick"])
    failed = results_of(design, lambda run: record_of(run.configuration, "nan"))
    cells = written(PASSES, PASSES.numbers(failed))
    assert cells
    assert not {"90.0 %"} & {cell for row in cells for cell in row}
    assert FIGURES[0].numbers(failed).empty
