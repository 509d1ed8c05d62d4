import math

import hypothesis
import hypothesis.extra.numpy as hnp
import hypothesis.strategies as st
import numpy as np
import pytest

from core.errors import InputError
from studies.results.statistics.random_effects.crossed import crossed_mean

TABLES = hnp.arrays(float, st.tuples(st.integers(2, 5), st.integers(2, 5)), elements=st.integers(-50, 50))


@hypothesis.given(TABLES)
def test_rows_and_columns_are_treated_alike(table):
    one, other = crossed_mean(table), crossed_mean(table.T)
    assert (one.mean, one.standard_error) == pytest.approx((other.mean, other.standard_error))
    assert one.degrees == pytest.approx(other.degrees)


def test_of_equal_mean_squares_the_fewest_degrees_count():
    table = np.ones((2, 5))
    table[0, 0] = -1
    # Of rows with one degree of freedom, of columns with 4 and of the rest with 4, all are .4.
    for found in (crossed_mean(table), crossed_mean(table.T)):
        assert found.standard_error == pytest.approx(0.2)
        assert found.degrees == 1


@hypothesis.given(TABLES)
def test_only_a_table_of_equal_cells_has_no_width(table):
    assert (crossed_mean(table).standard_error == 0) == (np.ptp(table) == 0)
    low, high = crossed_mean(table).interval()
    assert low <= table.mean() + 1e-9
    assert high >= table.mean() - 1e-9


@hypothesis.given(TABLES, st.integers(0, 9))
def test_the_order_of_rows_and_columns_does_not_matter(table, seed):
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(rng.permutation(table, axis=0), axis=1)
    assert crossed_mean(shuffled).standard_error == pytest.approx(crossed_mean(table).standard_error)


def test_the_variance_is_that_of_components_of_the_analysis_of_variance():
    table = np.random.default_rng(300).normal(size=(4, 7)) + np.arange(4)[:, None] + 0.3 * np.arange(7) ** 2
    rows, columns = table.mean(axis=1, keepdims=True), table.mean(axis=0, keepdims=True)
    rest = np.sum((table - rows - columns + table.mean()) ** 2) / 18
    of_rows = np.var(rows, ddof=1) - rest / 7
    of_columns = np.var(columns, ddof=1) - rest / 4
    assert min(of_rows, of_columns) > 0
    assert crossed_mean(table).standard_error ** 2 == pytest.approx(of_rows / 4 + of_columns / 7 + rest / 28)


@pytest.mark.parametrize("seed", range(3))
def test_noise_alone_is_never_taken_for_less_than_it_is(seed):
    # Mean squares of rows and columns may both be below the rest's by chance.
    tables = np.random.default_rng(seed).normal(size=(300, 3, 3))
    found = np.array([crossed_mean(table).standard_error ** 2 for table in tables])
    assert found.mean() > 1 / 9 - 0.01
    assert found.min() > 0


@pytest.mark.parametrize(("of_rows", "of_columns"), [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0), (0.3, 1.0)])
def test_the_interval_covers_the_mean_of_new_rows_and_columns(of_rows, of_columns):
    rng = np.random.default_rng(301)
    covered = []
    for _ in range(2000):
        table = of_rows * rng.normal(size=(5, 1)) + of_columns * rng.normal(size=(1, 20)) + rng.normal(size=(5, 20))
        low, high = crossed_mean(table).interval()
        covered.append(low <= 0 <= high)
    assert 0.93 < np.mean(covered) < 0.98


@pytest.mark.parametrize("table", [[1.0, 2.0], [[1.0, 2.0]], [[1.0], [2.0]], [[1.0, math.nan], [1.0, 2.0]]])
def test_a_table_without_two_of_each_is_refused(table):
    with pytest.raises(InputError):
        crossed_mean(table)
