"""What of others' results a figure shows beside a study's own, and what its caption says of them."""

from collections.abc import Sequence

import pandas as pd

from studies.results import Results
from studies.results.external import FAMILY, placed
from studies.results.summary import external_note


def external_points(results: Results, by: Sequence[str], *, costs: bool = False) -> pd.DataFrame:
    """Return a row for each run of others, or for each mean that they give without its runs, in each of its panels.

    Args:
        results: of the study beside which they stand.
        by: columns whose combinations are the panels.
        costs: whether the figure has an axis of multiply-adds, on which what does not say its own has no place.

    Returns:
        ``GROUP``, ``family``, ``seed``, ``status``, ``test_error`` (missing for a mean), ``mean``, ``ci_low``,
        ``ci_high``, ``n``, ``test_density`` and ``test_macs``; no row if nobody's stand there.
    """
    panels = results.summary[list(by)]
    points = [placed(each.points, panels) for each in results.external]
    if not points:
        return pd.DataFrame()
    rows = pd.concat(points, ignore_index=True)
    rows = rows[rows["test_macs"].notna()] if costs else rows
    return rows.assign(family=FAMILY, status="ok")


def with_external(own: pd.DataFrame, external: pd.DataFrame) -> pd.DataFrame:
    """Return a figure's rows with those of others, as far as it has such columns, behind them."""
    if external.empty:
        return own
    return pd.concat([own, external[[column for column in own if column in external]]], ignore_index=True)


def caption_of_external(results: Results, by: Sequence[str], *, costs: bool = False) -> str:
    """Say where what stands beside the study is from, and how much of it has no place in the figure.

    Arguments are those of :func:`external_points`.
    """
    if not results.external:
        return ""
    rows = pd.concat([each.summary for each in results.external], ignore_index=True)
    rows = rows.assign(row=rows.index)
    panels = results.summary[list(by)].drop_duplicates()
    there = placed(rows, panels)
    nowhere = rows[~rows["row"].isin(there["row"])]
    costless = rows[rows["test_macs"].isna() & ~rows["row"].isin(nowhere["row"])] if costs else rows[:0]
    said = external_note(results)
    for left_out, why in ((costless, "no multiply-adds"), (nowhere, "a target density that the study has not")):
        if len(left_out):
            said += f" {len(left_out)} of their {len(rows)} results {_have(len(left_out))} {why} and cannot be shown."
    shown = there[~there["row"].isin(costless["row"])]
    if shown["row"].duplicated().any():
        said += " Those of no network or target density of their own stand in every panel of their dataset."
    return said


def _have(many: int) -> str:
    return "has" if many == 1 else "have"
