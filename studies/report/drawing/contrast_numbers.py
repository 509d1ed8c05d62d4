"""What figures of contrasts share."""

from collections.abc import Sequence

import pandas as pd

from studies.results import SETTING, Results


def contrasts_by_reference(results: Results, columns: Sequence[str]) -> pd.DataFrame:
    """Return these columns of the contrasts, with their arms and families, grouped by reference."""
    contrasts = results.contrasts[[*SETTING, "arm", "reference", *columns]]
    table = results.with_families(contrasts)
    return pd.concat([group for _, group in table.groupby("reference", sort=False)] or [table], ignore_index=True)


def reference_of(numbers: pd.DataFrame) -> str:
    """Name what strategies are compared with, for a label of all panels."""
    references = numbers["reference"].unique()
    return str(references[0]) if len(references) == 1 else "the reference"
