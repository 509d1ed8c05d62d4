import itertools

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from studies.results.statistics.two_way import two_way

ROWS, COLUMNS = ("score function", "straight-through", "relaxation"), ("Bernoulli", "exactly k")


def table_of(errors: NDArray[np.float64]) -> pd.DataFrame:
    """``[seeds, rows, columns]`` as a table."""
    return pd.DataFrame(
        [
            {"row": row, "column": column, "seed": seed, "error": errors[seed, i, j]}
            for seed in range(len(errors))
            for (i, row), (j, column) in itertools.product(enumerate(ROWS), enumerate(COLUMNS))
        ]
    )


@pytest.fixture
def errors() -> NDArray[np.float64]:
    return np.random.default_rng(0).normal(0.1, 0.02, (6, len(ROWS), len(COLUMNS)))


def test_effects_sum_to_zero_and_to_the_cells(errors):
    found = two_way(table_of(errors))
    of = dict(iter(found.groupby("kind")))
    sums = [of["row"]["effect"].sum(), of["column"]["effect"].sum()]
    sums += [part["effect"].sum() for name in ("row", "column") for _, part in of["interaction"].groupby(name)]
    assert sums == pytest.approx([0.0] * 7)
    effects = found.set_index(["kind", "row", "column"])["effect"]
    for (i, row), (j, column) in itertools.product(enumerate(ROWS), enumerate(COLUMNS)):
        parts = effects["mean", "", ""], effects["row", row, ""], effects["column", "", column]
        assert sum(parts) + effects["interaction", row, column] == pytest.approx(errors[:, i, j].mean())


def test_what_a_seed_adds_to_all_cells_widens_nothing_but_the_mean(errors):
    shifted = errors + np.arange(6)[:, None, None]
    one, other = two_way(table_of(errors)), two_way(table_of(shifted))
    effects = one["kind"] != "mean"
    assert np.allclose(one[effects]["std"], other[effects]["std"])
    assert other["std"][0] > 1


def test_intervals_cover_planted_effects_as_often_as_they_say():
    generator = np.random.default_rng(1)
    row = np.array([0.02, 0.0, -0.02])
    covered = 0
    for _ in range(400):
        errors = 0.1 + row[None, :, None] + generator.normal(0, 0.03, (8, 3, 2))
        found = two_way(table_of(errors))
        of_row = found[(found["kind"] == "row") & (found["row"] == ROWS[0])]
        covered += bool((of_row["ci_low"] <= 0.02).all() and (of_row["ci_high"] >= 0.02).all())
    # 95 % of 400, within three standard errors.
    assert 0.915 <= covered / 400 <= 0.985


def test_the_order_of_rows_does_not_matter(errors):
    table = table_of(errors)
    expected = two_way(table).set_index(["kind", "row", "column"])["effect"]
    mixed = two_way(table.sample(frac=1, random_state=0)).set_index(["kind", "row", "column"])["effect"]
    assert mixed.sort_index().to_dict() == pytest.approx(expected.sort_index().to_dict())


@pytest.mark.parametrize("fault", ["missing", "twice"])
def test_every_combination_must_be_there_once(errors, fault):
    table = table_of(errors)
    table = table.iloc[1:] if fault == "missing" else pd.concat([table, table.iloc[:1]])
    with pytest.raises(ValueError, match="once for each seed"):
        two_way(table)
