"""What results say of runs, arms, epochs and measurements beside their tables."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pytest

from studies.design import Arm, Search
from studies.design.runs import PlannedRun
from studies.results.results import EPOCH_COLUMNS, RUN_KEYS
from tests.support.invented import Record, random_record, results_of
from tests.support.records import design_of

ARMS = (
    Arm("quick", "reinforce", training={"learning_rate": 0.01}, levels={"pace": "fast", "rate": 0.01}),
    Arm("slow", "top_k", training={"learning_rate": 0.001}, levels={"pace": "slow"}),
)
TWINS = (
    Arm("one", "reinforce", levels={"called": "first"}),
    Arm("other", "reinforce", levels={"called": "second"}),
)


def with_measures(measure: Callable[[PlannedRun], dict[str, Any] | None]) -> Callable[[PlannedRun], Record]:
    """Random records with what ``measure`` gives under the measurement's name ``found``; None for none."""
    plain = random_record()

    def record(run: PlannedRun) -> Record:
        measured = measure(run)
        return plain(run) | ({} if measured is None else {"measured": {"found": measured}})

    return record


class TestArms:
    def test_every_level_is_a_column_and_what_an_arm_has_not_is_missing(self):
        arms = results_of(design_of("dense", arms=ARMS), random_record()).arms
        assert arms["arm"].tolist() == ["dense", "quick", "slow"]
        assert arms["strategy"].tolist() == ["dense", "reinforce", "top_k"]
        assert arms["family"].tolist() == ["control", "policy gradient", "routing"]
        assert arms["pace"].fillna("none").tolist() == ["none", "fast", "slow"]
        assert arms["rate"].fillna(0.0).tolist() == [0.0, 0.01, 0.0]

    def test_an_arm_in_several_settings_has_one_row(self):
        design = design_of("dense", arms=ARMS, networks=("8x2", "8x4"), densities=(0.25, 0.5))
        assert results_of(design, random_record()).arms["arm"].tolist() == ["dense", "quick", "slow"]

    def test_arms_that_share_their_runs_have_a_row_each(self):
        arms = results_of(design_of("dense", arms=TWINS), random_record()).arms
        assert arms["arm"].tolist() == ["dense", "one", "other"]
        assert arms["called"].fillna("").tolist() == ["", "first", "second"]

    def test_without_levels_there_are_no_further_columns(self):
        arms = results_of(design_of("dense", "reinforce"), random_record()).arms
        assert list(arms) == ["arm", "strategy", "family"]
        assert len(arms) == 2


class TestWithLevels:
    def test_a_table_gets_the_columns_it_lacks(self):
        results = results_of(design_of("dense", arms=ARMS), random_record())
        table = results.with_levels(results.summary[["arm", "n"]])
        assert table["arm"].tolist() == ["dense", "quick", "slow"]
        assert table["strategy"].tolist() == ["dense", "reinforce", "top_k"]
        assert table["family"].tolist() == ["control", "policy gradient", "routing"]
        assert table["pace"].fillna("none").tolist() == ["none", "fast", "slow"]
        assert table["rate"].fillna(0.0).tolist() == [0.0, 0.01, 0.0]
        assert table["n"].tolist() == [3, 3, 3]

    def test_rows_of_several_settings_and_seeds_keep_their_order(self):
        results = results_of(design_of("dense", "reinforce", densities=(0.25, 0.5)), random_record())
        counted = results.counted[["arm", "target_density", "seed", "error"]].reset_index(drop=True)
        pd.testing.assert_frame_equal(results.with_levels(counted)[list(counted)], counted)

    def test_a_column_that_is_there_already_stays_as_it_is(self):
        results = results_of(design_of("dense", arms=ARMS), random_record())
        table = results.with_levels(
            pd.DataFrame({"arm": ["slow", "quick"], "family": ["mine", "mine"], "pace": [1, 2]})
        )
        assert list(table) == ["arm", "family", "pace", "strategy", "rate"]
        assert table["family"].tolist() == ["mine", "mine"]
        assert table["pace"].tolist() == [1, 2]

    def test_arms_that_share_their_runs_keep_their_own_levels(self):
        results = results_of(design_of(arms=TWINS, seeds=2), random_record())
        counted = results.with_levels(results.counted)
        assert len(counted) == 2 * 4
        called = counted[counted["strategy"] == "reinforce"].groupby("arm")["called"].unique()
        assert called["one"].tolist() == ["first"]
        assert called["other"].tolist() == ["second"]

    def test_families_are_added_alone(self):
        results = results_of(design_of("dense", arms=ARMS), random_record())
        table = results.with_families(pd.DataFrame({"arm": ["slow", "dense", "slow"]}))
        assert list(table) == ["arm", "family"]
        assert table["family"].tolist() == ["routing", "control", "routing"]


class TestMeasured:
    def test_every_entry_is_a_column_and_entries_inside_entries_too(self):
        results = results_of(
            design_of("dense", "reinforce", seeds=2),
            with_measures(lambda run: {"n": run.configuration.seed + 10, "time": {"wall": 1.5, "of": {"us": 2}}}),
        )
        found = results.measured("found")
        assert list(found) == [*RUN_KEYS, "n", "time_wall", "time_of_us"]
        assert found["arm"].tolist() == ["dense", "reinforce"] * 2
        assert found["seed"].tolist() == [0, 0, 1, 1]
        assert found["n"].tolist() == [10, 10, 11, 11]
        assert found["time_wall"].tolist() == [1.5] * 4
        assert found["time_of_us"].tolist() == [2] * 4
        assert found["run_id"].tolist() == results.counted["run_id"].tolist()

    def test_a_part_that_is_a_list_has_a_row_for_each_of_its_entries(self):
        def measure(run: PlannedRun) -> dict[str, Any]:
            few = range(run.configuration.seed + 1)
            return {"n": 1, "layers": [{"layer": place, "share": {"open": place / 4}} for place in few]}

        results = results_of(design_of("dense", "reinforce", seeds=3), with_measures(measure))
        found = results.measured("found", "layers")
        assert list(found) == [*RUN_KEYS, "layer", "share_open"]
        one = found[found["arm"] == "reinforce"]
        assert one["seed"].tolist() == [0, 1, 1, 2, 2, 2]
        assert one["layer"].tolist() == [0, 0, 1, 0, 1, 2]
        assert one["share_open"].tolist() == [0.0, 0.0, 0.25, 0.0, 0.25, 0.5]
        assert one.groupby("seed")["run_id"].nunique().tolist() == [1, 1, 1]

    def test_a_list_that_is_not_asked_for_stays_in_its_cell(self):
        results = results_of(design_of("dense", seeds=1), with_measures(lambda _: {"layers": [{"layer": 0}]}))
        assert results.measured("found")["layers"].tolist() == [[{"layer": 0}]]

    def test_a_run_that_two_arms_share_has_rows_for_both(self):
        results = results_of(
            design_of("dense", arms=TWINS, seeds=2),
            with_measures(lambda run: {"of": run.configuration.run_id, "parts": [{"part": 0}, {"part": 1}]}),
        )
        found = results.measured("found")
        assert found["arm"].tolist() == ["dense", "one", "other"] * 2
        assert found["of"].tolist() == found["run_id"].tolist()
        assert found["run_id"].nunique() == 4
        parts = results.measured("found", "parts")
        assert parts["arm"].tolist() == [arm for arm in ["dense", "one", "other"] * 2 for _ in range(2)]
        assert parts["part"].tolist() == [0, 1] * 6

    def test_a_run_that_was_not_measured_has_no_row(self):
        def measure(run: PlannedRun) -> dict[str, Any] | None:
            return {"n": run.configuration.seed} if run.configuration.seed != 1 and run.arm == "dense" else None

        results = results_of(design_of("dense", "reinforce"), with_measures(measure))
        found = results.measured("found")
        assert (found["arm"].tolist(), found["n"].tolist()) == (["dense", "dense"], [0, 2])
        assert found.index.tolist() == [0, 1]

    @pytest.mark.parametrize("part", [None, "layers"])
    def test_what_no_run_was_asked_for_is_empty_and_has_the_keys(self, part):
        found = results_of(design_of("dense"), random_record()).measured("found", part)
        assert found.empty
        assert list(found) == list(RUN_KEYS)

    def test_only_the_runs_that_count_are_in_it(self):
        search = Search(points=3, seeds=1, searches=2)
        design = design_of("reinforce", seeds=4, search=search, test_split="fixed")
        results = results_of(design, with_measures(lambda _: {"n": 1}))
        assert len(results.runs) == 2 * (3 + 4)
        # Of the winners of both searches, each on its own seeds.
        assert sorted(results.measured("found")["seed"]) == [0, 1, 2, 3, 10_000, 10_001, 10_002, 10_003]


class TestEpochs:
    def test_every_epoch_of_every_run_is_a_row(self):
        results = results_of(design_of("dense", "reinforce", seeds=2, training={"epochs": 4}), random_record())
        epochs = results.epochs
        assert list(epochs) == [*RUN_KEYS, *EPOCH_COLUMNS]
        assert epochs["epoch"].tolist() == [1, 2, 3, 4] * 4
        assert epochs["arm"].tolist() == [arm for arm in ["dense", "reinforce"] * 2 for _ in range(4)]
        expected = [epoch["validation_error"] for record in results.records for epoch in record["history"]]
        assert epochs["validation_error"].tolist() == expected
        assert epochs["train_macs"].tolist() == [1000.0, 2000.0, 3000.0, 4000.0] * 4

    def test_a_run_that_two_arms_share_has_its_epochs_twice(self):
        epochs = results_of(design_of("dense", arms=TWINS, seeds=1), random_record()).epochs
        one, other = (epochs[epochs["arm"] == arm].reset_index(drop=True) for arm in ("one", "other"))
        assert len(one) == 3
        assert set(one["run_id"]) == set(other["run_id"])
        pd.testing.assert_frame_equal(one.drop(columns="arm"), other.drop(columns="arm"))

    def test_a_run_that_ended_in_an_error_has_none_and_a_diverged_one_those_it_came_to(self):
        failures = {("reinforce", 0): "error", ("reinforce", 1): "diverged"}
        epochs = results_of(design_of("reinforce", seeds=3), random_record(failures)).epochs
        assert epochs["seed"].tolist() == [1] * 3 + [2] * 3
        assert epochs.index.tolist() == [0, 1, 2, 3, 4, 5]

    def test_without_any_epoch_the_columns_are_there(self):
        failures = {("dense", seed): "error" for seed in range(3)}
        epochs = results_of(design_of("dense"), random_record(failures)).epochs
        assert epochs.empty
        assert list(epochs) == [*RUN_KEYS, *EPOCH_COLUMNS]
