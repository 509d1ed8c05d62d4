"""The critical-difference diagram: mean ranks, with bars over arms that are not told apart (Demsar 2006)."""

import matplotlib.figure
import matplotlib.pyplot as plt
import pandas as pd

from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import sample_note
from studies.report.drawing.style import styles
from studies.results import Results
from studies.results.across.ranks import rank_arms
from studies.results.statistics.datasets.ranks import indistinct_groups

# Inches of a row, and of all that is not rows.
_ROW, _REST = 0.2, 0.9
_BAR = 0.28


def _draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    line_styles = styles(numbers)
    ranks = numbers["mean_rank"].tolist()
    groups = indistinct_groups(ranks, float(numbers["critical_difference"].iloc[0]))
    bars = len(groups) * _BAR
    figure, ax = plt.subplots(layout="constrained")
    figure.set_figheight(_REST + _ROW * (len(numbers) + bars))
    for place, row in enumerate(numbers.to_dict("records")):
        style = line_styles[row["arm"]]
        ax.plot([row["mean_rank"]], [place], color=style.colour, marker=style.marker, markersize=5)
    for number, group in enumerate(groups):
        ends = [ranks[place] for place in group]
        height = -0.7 - _BAR * number
        ax.plot([min(ends), max(ends)], [height, height], color="#555555", linewidth=2.5, solid_capstyle="butt")
    ax.set_yticks(range(len(numbers)), numbers["arm"])
    ax.set_ylim(len(numbers) - 0.5, -0.9 - bars)
    ax.set_xlim(0.8, len(numbers) + 0.2)
    ax.set_xlabel("mean rank over settings (1 is the lowest error)")
    return figure


def _caption(results: Results) -> str:
    ranked = rank_arms(results)
    if ranked.empty:
        return sample_note(results)
    first = ranked.iloc[0]
    return (
        f"Mean rank of each arm over {first['settings']} settings, by mean test error. Bars join arms that are not "
        f"told apart: their mean ranks differ by less than {first['critical_difference']:.2f} (Nemenyi, 5 % for all "
        f"pairs together; Friedman's test: p = {first['friedman_p']:.3g}). Settings of one dataset are not "
        f"independent. {sample_note(results)}"
    )


CRITICAL_DIFFERENCE = Figure("critical_difference", "Ranks over all settings", rank_arms, _draw, _caption)
