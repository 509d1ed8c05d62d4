"""How often a strategy's error is below the reference's."""

import matplotlib.figure
import pandas as pd
from matplotlib.lines import Line2D

from studies.design.dense_front import DENSE_FRONT
from studies.report.drawing.contrast_numbers import contrasts_by_reference, reference_of
from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import best_last, legend, strips
from studies.report.drawing.style import styles
from studies.results import GROUP, SETTING, Results
from studies.results.equal_compute import beyond_front
from studies.results.statistics.paired import probability_of_improvement


def _numbers(results: Results) -> pd.DataFrame:
    paired = ["probability_better", "probability_better_low", "probability_better_high"]
    table = contrasts_by_reference(results, ["n", *paired])
    counted = results.counted
    errors = {key: group.tolist() for key, group in counted.groupby(list(GROUP))["error"]}
    beyond = beyond_front(counted, results.front)
    on_front = (counted["error"] - beyond).groupby([counted[column] for column in GROUP])
    errors |= {(*key[:-1], key[-1], DENSE_FRONT): group.dropna().tolist() for key, group in on_front}
    unpaired = [
        probability_of_improvement(
            errors[(*setting, arm)],
            errors[(*setting, arm, reference) if reference == DENSE_FRONT else (*setting, reference)],
        )
        for *setting, arm, reference in table[[*SETTING, "arm", "reference"]].itertuples(index=False)
    ]
    return table.assign(probability_unpaired=unpaired)


def _draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    order = best_last(numbers, "probability_better")[::-1]
    x_label = f"probability of a lower error than {reference_of(numbers)}"
    figure, each_panel, places = strips(numbers, [*SETTING, "reference"], order, x_label, few="arm")
    line_styles = styles(numbers)
    for ax, rows in each_panel:
        ax.axvline(0.5, color="#555555", linewidth=0.8, zorder=1)
        for row in rows.to_dict("records"):
            colour, place = line_styles[row["arm"]].colour, places[row["arm"]]
            ends = row["probability_better_low"], row["probability_better_high"]
            ax.hlines(place + 0.15, *ends, color=colour, linewidth=1.3)
            ax.plot([row["probability_better"]], [place + 0.15], "o", color=colour, markersize=4.5)
            ax.plot(
                [row["probability_unpaired"]],
                [place - 0.2],
                "D",
                color=colour,
                markersize=3.8,
                markerfacecolor="white",
                markeredgewidth=1.0,
            )
        ax.set_xlim(-0.05, 1.05)
        ax.set_xticks([0, 0.5, 1], ["0", "½", "1"])
    legend(
        figure,
        [
            Line2D([], [], color="#444444", marker="o", markersize=4.5, label="paired (95 % Wilson interval)"),
            Line2D(
                [],
                [],
                color="#444444",
                marker="D",
                markersize=3.8,
                markerfacecolor="white",
                linestyle="",
                label="any two seeds",
            ),
        ],
    )
    return figure


def _caption(results: Results) -> str:
    return (
        "Probability that a strategy's test error is below the reference's, ties counting one half. Filled: on the "
        f"same seed, or in the mean of the same search's seeds where there are searches, with the 95 % Wilson interval "
        f"over {results.protocol.unit_name}. Hollow: on two seeds drawn independently (Mann and Whitney's "
        "U / n²), another estimand, in which the noise that both share on a seed is not removed; no interval is shown. "
        + sample_note(results)
    )


IMPROVEMENT = Figure("improvement", "Probability of improvement", _numbers, _draw, _caption)
