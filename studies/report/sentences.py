"""What the contrasts say, in sentences."""

import numpy as np
import pandas as pd

from studies.design.protocol import Protocol
from studies.formatting import points, share
from studies.results import SETTING

# In the order in which a reader wants them.
_SAYINGS = {
    "better": "Better than {reference}, by more than {delta}",
    "worse": "Worse than {reference}, by more than {delta}",
    "detectable but small": "Different from {reference}, though perhaps by less than {delta}",
    "equivalent": "As good as {reference}, within {delta}",
    "inconclusive": "Not told apart from {reference}",
}


def sentences(contrasts: pd.DataFrame, protocol: Protocol) -> list[tuple[str, list[str]]]:
    """Say for each setting and reference which strategies are better, worse, alike, or not told apart.

    Args:
        contrasts: of :func:`studies.results.contrasts.contrast`.
        protocol: delta.

    Returns:
        A heading that names the setting, and its sentences; empty without contrasts.
    """
    said = []
    for _, in_setting in contrasts.groupby(list(SETTING), sort=False):
        lines = [
            _sentence(verdict, str(reference), group[group["verdict"] == verdict], protocol.delta)
            for reference, group in in_setting.groupby("reference", sort=False)
            for verdict in _SAYINGS
            if (group["verdict"] == verdict).any()
        ]
        first = in_setting.iloc[0]
        said.append((f"{first['dataset']}, {first['network']}, τ = {share(first['target_density'])}", lines))
    return said


def _sentence(verdict: str, reference: str, rows: pd.DataFrame, delta: float) -> str:
    opening = _SAYINGS[verdict].format(reference=reference, delta=f"{points(delta, signed=False)} points")
    ordered = rows.sort_values("difference").to_dict("records")
    found = "; ".join(
        f"{row['arm']} ({points(row['difference'])} points, {points(row['ci_low'])} to {points(row['ci_high'])}"
        f"{', {} of {} runs failed'.format(row['failures'], row['n']) if row['failures'] else ''})"
        for row in ordered
    )
    if verdict != "inconclusive":
        return f"{opening}: {found}."
    return f"{opening}: {found}. {detectable(rows)}"


def detectable(rows: pd.DataFrame) -> str:
    """Say what differences could have been found at all."""
    sizes = rows["minimum_detectable"].dropna()
    if sizes.empty:
        return "With fewer than two seeds no difference could have been found."
    low, high = (points(size, signed=False) for size in (sizes.min(), sizes.max()))
    size = low if low == high else f"{low} to {high}"
    return f"Differences below {size} points would be missed more often than once in five times."


def count_verdicts(contrasts: pd.DataFrame) -> str:
    """Say in one sentence how many of all contrasts ended how."""
    counts = contrasts["verdict"].value_counts()
    parts = [f"{counts[verdict]} {verdict}" for verdict in _SAYINGS if verdict in counts]
    return f"Of {len(contrasts)} contrasts: {', '.join(parts)}." if parts else "No contrasts are frozen in this study."


def fewest_seeds_for_significance(alpha: float, contrasts: int) -> int:
    """Return how many seeds a sign flip test needs at least, to get below alpha in a family of so many contrasts.

    Its p value is at least ``2 / 2^n``, and Holm multiplies the smallest by the number of contrasts. One contrast at
    .05: ``2 / 2^5`` is .0625, ``2 / 2^6`` is .031.

    >>> fewest_seeds_for_significance(0.05, 1)
    6
    """
    return int(np.floor(1 + np.log2(contrasts / alpha))) + 1
