"""Main effects and interactions of two factors that are crossed within every seed."""

import numpy as np
import pandas as pd

from studies.results.statistics.intervals import sample_std, t_interval


def two_way(errors: pd.DataFrame) -> pd.DataFrame:
    """Return what each level of two crossed factors, and each combination beyond both, adds to the error.

    Within a seed the error of row level i and column level j is ``mean + row_i + column_j + interaction_ij``, with
    effects that sum to 0 over either index (the two-way layout without replication: Scheffe 1959, section 4.1). Seeds
    are blocks: the effects of each are computed alone, and their mean over seeds has a t interval over seeds, so that
    neither equal variances nor independent cells are assumed.

    Args:
        errors: ``row``, ``column``, ``seed``, ``error``; every combination of rows and columns once for each seed.

    Returns:
        One row per effect: ``kind`` (``mean``, ``row``, ``column`` or ``interaction``), the levels ``row`` and
        ``column`` (empty where it is not of one), ``n``, ``effect``, ``ci_low``, ``ci_high`` in units of the error, and
        ``std`` over seeds.

    Raises:
        ValueError: a combination is missing or there twice.

    Rows differ by .04 and columns by .02; the last cell is .02 higher than they say, of which each effect gets a part:

    >>> cells = [("a", "x", 0.10), ("a", "y", 0.12), ("b", "x", 0.14), ("b", "y", 0.18)]
    >>> table = pd.DataFrame([{"row": r, "column": c, "seed": s, "error": e} for r, c, e in cells for s in (0, 1)])
    >>> effects = two_way(table).set_index(["kind", "row", "column"])["effect"].round(4)
    >>> kinds = [("mean", "", ""), ("row", "b", ""), ("column", "", "y"), ("interaction", "b", "y")]
    >>> [float(effects[kind]) for kind in kinds]
    [0.135, 0.025, 0.015, 0.005]
    """
    rows, columns = (list(dict.fromkeys(errors[name])) for name in ("row", "column"))
    twice = errors.duplicated(["row", "column", "seed"]).any()
    cells = errors.drop_duplicates(["row", "column", "seed"]).pivot(
        index="seed", columns=["row", "column"], values="error"
    )
    cells = cells.reindex(columns=pd.MultiIndex.from_product([rows, columns]))
    if twice or cells.isna().any(axis=None):
        raise ValueError("not every combination of rows and columns is there once for each seed")
    cube = cells.to_numpy(float).reshape(len(cells), len(rows), len(columns))
    grand = cube.mean(axis=(1, 2))
    of_row = cube.mean(axis=2) - grand[:, None]
    of_column = cube.mean(axis=1) - grand[:, None]
    beyond = cube - grand[:, None, None] - of_row[:, :, None] - of_column[:, None, :]
    found = [("mean", "", "", grand)]
    found += [("row", row, "", of_row[:, place]) for place, row in enumerate(rows)]
    found += [("column", "", column, of_column[:, place]) for place, column in enumerate(columns)]
    found += [
        ("interaction", row, column, beyond[:, i, j]) for i, row in enumerate(rows) for j, column in enumerate(columns)
    ]
    return pd.DataFrame([_row(*effect) for effect in found])


def _row(
    kind: str, row: str, column: str, effects: "np.ndarray[tuple[int], np.dtype[np.float64]]"
) -> dict[str, object]:
    values = effects.tolist()
    low, high = t_interval(values)
    return {
        "kind": kind,
        "row": row,
        "column": column,
        "n": len(values),
        "effect": float(np.mean(values)),
        "ci_low": low,
        "ci_high": high,
        "std": sample_std(values),
    }
