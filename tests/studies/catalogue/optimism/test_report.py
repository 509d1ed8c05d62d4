import pytest

from studies.catalogue.optimism import STUDY
from studies.catalogue.optimism.report import TABLES, largest_search
from studies.design.freezing import FrozenStudy
from studies.design.runs import PlannedRun
from studies.design.study import SCALES
from tests.support.drawings import row_of
from tests.support.invented import Record, measured, random_record, results_of
from tests.support.records import design_of
from tests.support.tables import written


def design(scale: str = "default") -> FrozenStudy:
    return FrozenStudy.freeze("optimism", scale, STUDY.scales[scale])  # type: ignore[index]


@pytest.mark.parametrize("scale", SCALES)
def test_there_are_two_tuning_seeds_and_two_searches_so_that_luck_can_be_told_from_merit(scale):
    search = design(scale).sweep.search
    assert search is not None
    assert search.seeds >= 2
    assert search.searches >= 2


def test_neither_the_budget_nor_what_multiplies_the_cost_of_a_run_is_searched():
    proposals = design().proposals
    budget = {"lambda_s", "lambda_v", "penalty_warmup"}
    expected = {
        "reinforce": {*budget, "baseline", "samples"},
        "straight_through": budget,
        "local_search": {"steps", "restarts"},
    }
    for name, fixed in expected.items():
        varied = {key for points in proposals[name] for point in points for key in point["strategy_settings"]}
        assert varied
        assert not varied & fixed


def record(run: PlannedRun) -> Record:
    """Every point is as good as the others on the whole: each is lucky on one of the two seeds, by turns."""
    if run.configuration.stage == "evaluate":
        return measured(run, 0.2)
    assert run.point is not None
    return measured(run, 0.1 if (run.point + run.configuration.seed) % 2 else 0.2)


def test_of_luck_alone_all_that_a_search_seems_to_gain_is_lost_on_other_seeds():
    results = results_of(design("quick"), record)
    numbers = largest_search(results)
    assert len(numbers) == len(results.summary) + 1
    row = row_of(numbers, arm="top_k")
    assert (row["k"], row["one_point"], row["chosen_by"], row["afterwards"]) == pytest.approx((6, 0.15, 0.1, 0.2))
    assert (row["seeming_gain"], row["gain"], row["optimism"]) == pytest.approx((0.05, -0.05, 0.1))
    assert written(TABLES[0], numbers)[0][4:7] == ["5.0", "−5.0", "+10.0"]


def test_the_last_row_is_the_median_over_strategies_with_an_interval_over_searches():
    def of_one_lucky_strategy(run: PlannedRun) -> Record:
        made = record(run)
        luckless = run.configuration.stage == "evaluate" or run.arm == "reinforce"
        return made if luckless else made | {"validation_error": 0.1}

    numbers = largest_search(results_of(design("quick"), of_one_lucky_strategy))
    row = row_of(numbers, arm="median of all")
    assert [row[end] for end in ("optimism", "ci_low", "ci_high")] == pytest.approx([0.0, 0.0, 0.0])
    assert written(TABLES[0], numbers)[-1][:3] == ["median of all", "–", "–"]


def test_without_a_second_tuning_seed_there_is_no_table():
    assert largest_search(results_of(design_of("top_k"), random_record())).empty
