"""What is written of a table."""

import pandas as pd

from studies.results.table import Table


def written(table: Table, numbers: pd.DataFrame) -> list[list[str]]:
    """The text of every cell that a page shows, row by row."""
    return [[cell.text for cell in row] for row in table.cells(numbers, "page")]
