"""The mean of a table whose rows and whose columns are both random draws, and how uncertain it is."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from core.errors import InputError

# By so much, as a share, equal mean squares may differ.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class CrossedMean:
    """A mean over random rows and random columns.

    Args:
        mean: of the table.
        standard_error: of that mean, over new rows and new columns alike; 0 where all cells are equal.
        degrees: of freedom of the standard error.
    """

    mean: float
    standard_error: float
    degrees: float

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Return the t interval; it has no width where all cells are equal."""
        half = self.half_width(confidence)
        return self.mean - half, self.mean + half

    def half_width(self, confidence: float = 0.95) -> float:
        """Return half the width of the t interval."""
        if not self.standard_error:
            return 0.0
        return float(stats.t.isf((1 - confidence) / 2, self.degrees)) * self.standard_error


def crossed_mean(table: ArrayLike) -> CrossedMean:
    """Return the mean of a table and its standard error over both rows and columns.

    A cell is a constant, plus an effect of its row, plus one of its column, plus a rest, all independent (the two-way
    random model with one value a cell: Searle, Casella and McCulloch 1992, chapter 4). With R rows, C columns and the
    mean squares of rows, columns and rest, the variance of the mean is estimated without bias by
    ``(MS_rows + MS_columns - MS_rest) / (R C)``. It is never taken below the largest of the three over R C, each of
    which it cannot be below in expectation. Degrees of freedom are Satterthwaite's (1946), or those of the largest; of
    several that are equal, the fewest.

    Means of rows are 3 and 5, with variance 2, of which the mean of two has 1; those of columns are 2 and 6, with
    variance 8, of which it has 4; there is no rest. With one degree of freedom each, the 5 in all have 25 / (1 + 16):

    >>> found = crossed_mean([[1.0, 5.0], [3.0, 7.0]])
    >>> found.mean, round(found.standard_error**2, 4), round(found.degrees, 4)
    (4.0, 5.0, 1.4706)

    Args:
        table: [rows, columns], at least two of each.

    Raises:
        InputError: there are fewer, or a cell is NaN or infinite.
    """
    cells = np.asarray(table, dtype=float)
    if cells.ndim != 2 or min(cells.shape) < 2:
        raise InputError(f"a table of two rows and two columns at least is wanted, not one of shape {cells.shape}")
    if not np.isfinite(cells).all():
        raise InputError("a cell of the table is not finite")
    rows, columns = cells.shape
    mean = float(cells.mean())
    of_row, of_column = cells.mean(axis=1) - mean, cells.mean(axis=0) - mean
    rest = cells - mean - of_row[:, None] - of_column
    freedom = np.array([rows - 1, columns - 1, (rows - 1) * (columns - 1)], dtype=float)
    squares = np.array([columns * of_row @ of_row, rows * of_column @ of_column, np.sum(rest**2)]) / freedom
    if squares.max() <= (1e-12 * np.abs(cells).max()) ** 2:
        return CrossedMean(mean, 0.0, math.inf)
    variance = squares[0] + squares[1] - squares[2]
    degrees = variance**2 / np.sum(squares**2 / freedom)
    # Which of equal ones is the largest would be the machine's rounding.
    largest = squares >= squares.max() * (1 - _ROUNDING)
    if variance <= squares.max() * (1 + _ROUNDING):
        variance, degrees = squares.max(), freedom[largest].min()
    return CrossedMean(mean, math.sqrt(variance / cells.size), float(degrees))
