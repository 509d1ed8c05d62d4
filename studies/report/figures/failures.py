"""How often runs fail."""

from typing import Any

import matplotlib.figure
import pandas as pd
from matplotlib.lines import Line2D

from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import search_note
from studies.report.drawing.panels import best_last, legend, strips
from studies.report.drawing.style import styles
from studies.results import Results
from studies.results.statistics.intervals import rate_interval

_STAGES = {"evaluate": "on evaluation seeds", "search": "in the search"}


def _numbers(results: Results) -> pd.DataFrame:
    runs = results.runs.assign(failed=results.runs["status"] != "ok")
    if not runs["failed"].any():
        return pd.DataFrame()
    rows: list[dict[str, Any]] = []
    for (arm, family, stage), group in runs.groupby(["arm", "family", "stage"], sort=False):
        failures, n = int(group["failed"].sum()), len(group)
        low, high = rate_interval(failures, n)
        rows.append(
            {
                "arm": arm,
                "family": family,
                "stage": stage,
                "runs": n,
                "failures": failures,
                "rate": failures / n,
                "ci_low": low,
                "ci_high": high,
            }
        )
    return pd.DataFrame(rows)


def _draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    figure, each_panel, places = strips(numbers, (), best_last(numbers, "rate"), "runs that failed (%)")
    line_styles = styles(numbers)
    for ax, rows in each_panel:
        for row in rows.to_dict("records"):
            place = places[row["arm"]] + (0.18 if row["stage"] == "evaluate" else -0.18)
            colour = line_styles[row["arm"]].colour
            ax.hlines(place, 100 * row["ci_low"], 100 * row["ci_high"], color=colour, linewidth=1.2)
            ax.plot([100 * row["rate"]], [place], **_marker_style(colour, row["stage"]))
        ax.set_xlim(left=-1)
    legend(
        figure,
        [
            Line2D([], [], label=label, **_marker_style("#444444", stage))
            for stage, label in _STAGES.items()
            if (numbers["stage"] == stage).any()
        ],
    )
    return figure


def _marker_style(colour: str, stage: str) -> dict[str, Any]:
    filling = colour if stage == "evaluate" else "white"
    return {"color": colour, "marker": "o", "markersize": 4.5, "markerfacecolor": filling}


def _caption(results: Results) -> str:
    evaluated = results.runs[results.runs["stage"] == "evaluate"]
    failed = int((evaluated["status"] != "ok").sum())
    return (
        "Share of runs that failed, whatever the reason, over all settings, with exact (Clopper-Pearson) 95 % binomial "
        f"intervals: {failed} of {len(evaluated)} runs on evaluation seeds, on n = {results.protocol.seeds} seeds per "
        f"configuration, as if runs failed independently. {search_note(results)}"
    ).strip()


FAILURES = Figure("failures", "Failed runs", _numbers, _draw, _caption)
