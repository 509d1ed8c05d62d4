import numpy as np
import pandas as pd
import pytest

from studies.results.equal_compute import beyond_curve


def runs(*rows: tuple[str, int, float, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["arm", "seed", "test_macs", "error"]).assign(dataset="digits")


def test_every_seed_has_its_own_curve():
    table = runs(
        ("one", 0, 100.0, 0.4), ("two", 0, 10_000.0, 0.2), ("gated", 0, 1000.0, 0.25),
        ("one", 1, 100.0, 0.2), ("two", 1, 10_000.0, 0.1), ("gated", 1, 1000.0, 0.25),
    )  # fmt: skip
    found = beyond_curve(table, ["two", "one"])
    assert found[table["arm"] == "gated"].tolist() == pytest.approx([-0.05, 0.10])


def test_runs_beyond_the_ends_or_without_multiply_adds_have_no_difference():
    table = runs(
        ("one", 0, 100.0, 0.4), ("two", 0, 400.0, 0.2), ("three", 0, np.nan, 0.9),
        ("cheap", 0, 99.0, 0.1), ("dear", 0, 401.0, 0.1), ("failed", 0, np.nan, 0.9),
    )  # fmt: skip
    found = beyond_curve(table, ["one", "two", "three"])
    assert found.isna().tolist() == [False, False, True, True, True, True]


def test_another_dataset_has_another_curve():
    table = pd.concat([runs(("one", 0, 1.0, 0.1)), runs(("gated", 0, 1.0, 0.5)).assign(dataset="mnist1d")])
    assert beyond_curve(table.reset_index(drop=True), ["one"]).isna().tolist() == [False, True]
