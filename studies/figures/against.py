"""What figures of contrasts share."""

from collections.abc import Sequence

import pandas as pd

from studies.figures.style import with_families
from studies.results import SETTING, Results


def against_references(results: Results, columns: Sequence[str]) -> pd.DataFrame:
    """Return some columns of the contrasts with what they are of, one reference after the other."""
    table = with_families(results.contrasts[[*SETTING, "strategy", "reference", *columns]], results.runs)
    return pd.concat([group for _, group in table.groupby("reference", sort=False)] or [table], ignore_index=True)


def reference_of(numbers: pd.DataFrame) -> str:
    """Name what strategies are compared with, for a label of all panels."""
    references = numbers["reference"].unique()
    return str(references[0]) if len(references) == 1 else "the reference"
