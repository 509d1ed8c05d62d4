import pytest

from studies.catalogue.regularisers import CENTRE, EARLY_EPOCHS, STUDY
from studies.catalogue.regularisers.report import LEVELS
from studies.design.freezing import FrozenStudy
from studies.design.runs import PlannedRun
from studies.design.study import SCALES
from tests.support.invented import Record, measured, results_of
from tests.support.tables import written


@pytest.mark.parametrize("scale", SCALES)
def test_every_arm_differs_from_the_centre_in_its_one_level_and_the_centre_is_run_once(scale):
    design = FrozenStudy.freeze("regularisers", scale, STUDY.scales[scale])
    centre = design.arm("centre")
    assert dict(centre.levels) == CENTRE
    varied, early = design.arms[1:-2], design.arms[-2:]
    for arm in varied:
        own = {"lambda_s": arm.strategy_settings["lambda_s"], "lambda_v": arm.strategy_settings["lambda_v"]}
        changed = {name for name, value in {**own, "density": arm.density}.items() if value != CENTRE[name]}
        assert changed == set(arm.levels)
        assert len(changed) == 1
        assert arm.training == centre.training
    assert [arm.name for arm in early] == ["lambda_v 0, early", "lambda_v 1, early"]
    assert all(not arm.levels and arm.training["epochs"] == EARLY_EPOCHS for arm in early)
    configurations = [design.configuration(*where, "evaluate", 0).run_id for where in design.combinations()]
    assert len(set(configurations)) == len(configurations) == len(design.arms)


def test_the_centre_is_what_the_strategy_does_by_default():
    design = FrozenStudy.freeze("regularisers", "default", STUDY.scales["default"])
    settings = design.arm("centre").strategy_settings
    assert {name: settings[name] for name in ("lambda_s", "lambda_v")} == {"lambda_s": 1.0, "lambda_v": 0.1}


def test_the_table_has_a_row_per_value_with_the_error_after_the_early_epoch():
    design = FrozenStudy.freeze("regularisers", "quick", STUDY.scales["quick"])

    def record(run: PlannedRun) -> Record:
        found = measured(run, 0.2 + 0.1 * run.configuration.seed)
        errors = (0.9, 0.8, 0.7 - 0.1 * run.configuration.seed, 0.6, 0.5, 0.4)
        history = [epoch | {"validation_error": error} for epoch, error in zip(found["history"], errors, strict=False)]
        return found | {"history": history}

    results = results_of(design, record)
    numbers = LEVELS.numbers(results)
    # The centre is in three series, and what is trained for a few epochs in none.
    assert len(numbers) == len(design.arms)
    assert numbers["error"].tolist() == pytest.approx([0.25] * len(numbers))
    assert numbers["early_error"].tolist() == pytest.approx([0.65] * len(numbers))
    assert numbers.loc[numbers["level"] == "density", "value"].tolist() == [1 / 16, 1 / 8, 1 / 4, 3 / 8, 1 / 2]
    cells = written(LEVELS, numbers)
    assert cells[0][:3] == ["lambda_s", "0.03", "25.0 %"]
    # Nothing was timed, and a column of that is not shown.
    assert numbers["seconds"].isna().all()
    assert "ms" not in [column.head for column in LEVELS.shown(numbers, "page")]
    assert "2 seeds" in LEVELS.caption(results)
