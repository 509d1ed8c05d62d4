import json
from dataclasses import replace

import pytest

from core.errors import InputError
from studies.design import Search, Sweep
from studies.design.freezing import FrozenStudy
from studies.design.runs import RunList, most_runs
from tests.support.records import configurations_of, design_of, finished, forget

SEARCH = Search(points=3, seeds=2, searches=2)


def searched(*names: str, search: Search = SEARCH, seeds: int = 4, **changes) -> FrozenStudy:
    return design_of(*names, seeds=seeds, search=search, test_split="fixed", **changes)


def ids(runs) -> set[str]:
    return {run.configuration.run_id for run in runs}


def test_a_study_without_a_search_has_one_stage(tmp_path):
    design = design_of(seeds=2)
    plan = RunList.of(design, finished(tmp_path, design).ledger)
    assert (plan.search, plan.winners) == ((), ())
    assert [run.configuration for run in plan.evaluate] == configurations_of(design)
    assert all(run.selected for run in plan.evaluate)


def test_nothing_is_evaluated_before_the_search_is_finished(tmp_path):
    folder = finished(tmp_path, searched())
    last = RunList.of(searched(), folder.ledger).search[-1]
    forget(folder, last.configuration.run_id)
    plan = RunList.of(searched(), folder.ledger)
    assert len(plan.search) == 2 * 3 * 2 * 2
    assert (plan.evaluate, plan.winners) == ((), ())


def test_a_search_runs_every_point_on_its_own_tuning_seeds_and_all_strategies_on_the_same(tmp_path):
    plan = RunList.of(searched(), finished(tmp_path, searched()).ledger)
    for strategy in ("dense", "reinforce"):
        runs = [run for run in plan.search if run.configuration.strategy == strategy]
        assert [(run.search, run.configuration.seed, run.point) for run in runs] == [
            (search, seed, point)
            for search in (0, 1)
            for seed in (1000 * search, 1000 * search + 1)
            for point in range(3)
        ]
    assert all(run.configuration.stage == "search" and not run.selected for run in plan.search)


def test_the_first_point_is_the_studys_own_settings(tmp_path):
    design = searched()
    plan = RunList.of(design, finished(tmp_path, design).ledger)
    own = {entry.strategy: (entry.strategy_settings, entry.training) for entry in configurations_of(design)}
    for run in plan.search:
        found = (run.configuration.strategy_settings, run.configuration.training)
        assert (found == own[run.configuration.strategy]) == (run.point == 0)


def test_what_a_study_sets_is_not_searched():
    design = searched(training={"epochs": 3, "learning_rate": 0.005}, strategy_settings={"reinforce": {"samples": 2}})
    for of_search in design.proposals["reinforce"]:
        for point in of_search[1:]:
            assert set(point["training"]) == {"gater_learning_rate"}
            assert "samples" not in point["strategy_settings"]
            assert "balance" in point["strategy_settings"]


def test_each_searchs_winner_runs_on_seeds_of_its_own(tmp_path):
    design = searched("reinforce")
    plan = RunList.of(design, finished(tmp_path, design).ledger)
    first, second = plan.winners
    assert first.point != second.point or first.point != 0
    assert [(run.search, run.configuration.seed) for run in plan.evaluate] == [
        (search, 10_000 * search + seed) for seed in range(4) for search in (0, 1)
    ]
    assert all(run.selected for run in plan.evaluate)
    for run in plan.evaluate:
        assert run.search is not None
        winner = plan.winners[run.search]
        assert run.point == winner.point
        proposal = design.proposals["reinforce"][winner.search][winner.point]
        where = winner.setting, winner.arm
        assert run.configuration == design.configuration(*where, "evaluate", run.configuration.seed, proposal)


def test_searches_that_agree_on_a_winner_are_two_searches_still(tmp_path):
    design = searched("reinforce", search=replace(SEARCH, points=1))
    plan = RunList.of(design, finished(tmp_path, design).ledger)
    assert {run.point for run in plan.evaluate} == {0}
    assert [run.search for run in plan.evaluate] == [0, 1] * 4
    assert len(plan.runs) == len(ids(plan.runs))


def test_all_arms_are_run_on_the_same_seeds(tmp_path):
    plan = RunList.of(searched(), finished(tmp_path, searched()).ledger)
    dense, reinforce = (
        {(run.search, run.configuration.seed) for run in plan.evaluate if run.arm == arm}
        for arm in ("dense", "reinforce")
    )
    assert dense == reinforce
    assert len(dense) == 2 * 4


def test_the_number_of_runs_is_known_before_and_never_exceeded(tmp_path):
    design = searched()
    plan = RunList.of(design, finished(tmp_path, design).ledger)
    assert len(plan.runs) <= most_runs(design) == 2 * 2 * (3 * 2 + 4)
    assert most_runs(design_of(seeds=5)) == 2 * 5


@pytest.mark.parametrize("changes", [{"points": 5}, {"seeds": 3}, {"searches": 3}])
def test_a_larger_search_reuses_every_run_of_the_smaller(tmp_path, changes):
    small = RunList.of(searched(), finished(tmp_path / "small", searched()).ledger)
    large_design = searched(search=replace(SEARCH, **changes))
    large = RunList.of(large_design, finished(tmp_path / "large", large_design).ledger)
    assert ids(small.search) < ids(large.search)


def test_more_evaluation_seeds_reuse_every_run(tmp_path):
    few, many = (
        RunList.of(d, finished(tmp_path / str(d.sweep.seeds), d).ledger) for d in (searched(), searched(seeds=6))
    )
    assert few.search == many.search
    assert ids(few.evaluate) < ids(many.evaluate)


def test_a_design_with_a_search_survives_json():
    design = searched()
    assert FrozenStudy.from_dict(json.loads(json.dumps(design.as_dict()))) == design


def test_a_search_refuses_resampled_test_splits():
    with pytest.raises(InputError, match="test_split: a search needs fixed"):
        design_of(search=SEARCH)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"points": 0}, "search: 0 points are not in 1..10000"),
        ({"seeds": 1001}, "search: 1001 tuning seeds are not in 1..1000"),
        ({"searches": 0}, "search: 0 searches"),
        (
            {"training": ("learning_rat",)},
            "unknown training setting to search 'learning_rat': did you mean 'learning_rate'",
        ),
    ],
)
def test_searches_out_of_range_are_refused(changes, expected):
    with pytest.raises(InputError) as error:
        searched(search=replace(SEARCH, **changes))
    assert expected in str(error.value)


def test_no_run_of_a_search_holds_anything_of_the_test_split(tmp_path):
    folder = finished(tmp_path, searched())
    for run in RunList.of(searched(), folder.ledger).search:
        assert not [key for key in folder.ledger.read(run.configuration.run_id) if key.startswith("test")]


def test_a_record_of_the_search_that_was_damaged_is_named(tmp_path):
    folder = finished(tmp_path, searched())
    run = RunList.of(searched(), folder.ledger).search[3].configuration.run_id
    (folder.path / "runs" / f"{run}.json").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match=run):
        RunList.of(searched(), folder.ledger)


def test_contrasts_are_with_every_reference_that_takes_part():
    sweep = Sweep(
        seeds=2,
        strategies=("dense", "small_dense", "top_k", "reinforce"),
        references=("small_dense", "top_k", "act_halting"),
    )
    design = FrozenStudy.freeze("quickstart", "default", sweep)
    assert design.contrasts == (("top_k", "small_dense"), ("reinforce", "small_dense"), ("reinforce", "top_k"))
