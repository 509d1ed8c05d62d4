"""What became of the winner's score: in the search, on fresh seeds, on the test split."""

import matplotlib.figure
import pandas as pd

from studies.metric import error_label, in_units
from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import Labels, facets, legend, line_handles
from studies.report.drawing.scales import cut, error_axis
from studies.report.drawing.style import styles
from studies.results import GROUP, SETTING, Results

_STEPS = {"search_error": "search", "fresh_validation_error": "fresh\nvalidation", "test_error": "fresh\ntest"}


def _numbers(results: Results) -> pd.DataFrame:
    table = results.optimism
    columns = ["n", "searches", *_STEPS, "test_ci_low", "test_ci_high", "optimism_seed", "optimism_split"]
    return results.with_families(table[[*GROUP, *columns]])


def _draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    figure, each_panel = facets(numbers, SETTING, Labels("", error_label(numbers, "error")))
    line_styles = styles(numbers)
    places = range(len(_STEPS))
    errors = pd.concat([numbers[step] for step in _STEPS])
    for ax, rows in each_panel:
        for row in rows.to_dict("records"):
            style = line_styles[row["arm"]]
            low = cut(row["test_ci_low"], rows[list(_STEPS)].min())
            ax.vlines(
                2, in_units(row, low), in_units(row, row["test_ci_high"]), color=style.colour, linewidth=2.4, alpha=0.3
            )
            means = [in_units(row, row[step]) for step in _STEPS]
            ax.plot(places, means, color=style.colour, marker=style.marker, markersize=4, linewidth=1.1)
        ax.set_xticks(list(places), list(_STEPS.values()))
        ax.set_xlim(-0.25, 2.25)
        error_axis(ax, errors)
    legend(figure, line_handles(line_styles, lines=True))
    return figure


def _caption(results: Results) -> str:
    return (
        "Errors of the winners, means over searches: validation error in the search, over tuning seeds; validation "
        "error on fresh seeds of each winner's own, by which it was not chosen; and test error on these, with its 95 % "
        "interval over searches and seeds (bar, cut off below all means). A line that rises shows how much too good "
        "the best of K noisy scores looked. The error axis is logarithmic unless an error is 0. " + sample_note(results)
    )


OPTIMISM = Figure("optimism", "From the search to fresh seeds", _numbers, _draw, _caption)
