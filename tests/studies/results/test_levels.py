import pandas as pd

from studies.results.levels import with_levels
from studies.design import Arm
from tests.support.invented import random_record, results_of
from tests.support.records import design_of

ARMS = (
    Arm("quick", "reinforce", training={"learning_rate": 0.01}, levels={"pace": "fast", "rate": 0.01}),
    Arm("slow", "top_k", training={"learning_rate": 0.001}, levels={"pace": "slow"}),
)


def test_every_level_is_a_column_and_what_an_arm_has_not_is_missing():
    results = results_of(design_of("dense", arms=ARMS), random_record())
    table = with_levels(results.summary[["strategy", "n"]], results.runs)
    assert table["strategy"].tolist() == ["dense", "quick", "slow"]
    assert table["base_strategy"].tolist() == ["dense", "reinforce", "top_k"]
    assert table["family"].tolist() == ["control", "policy gradient", "routing"]
    assert table["pace"].fillna("none").tolist() == ["none", "fast", "slow"]
    assert table["rate"].fillna(0.0).tolist() == [0.0, 0.01, 0.0]
    assert table["n"].tolist() == [3, 3, 3]


def test_rows_of_several_settings_and_seeds_keep_their_order():
    results = results_of(design_of("dense", "reinforce", densities=(0.25, 0.5)), random_record())
    counted = results.counted[["strategy", "target_density", "seed", "error"]].reset_index(drop=True)
    pd.testing.assert_frame_equal(with_levels(counted, results.runs)[list(counted)], counted)
