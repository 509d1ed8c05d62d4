"""The difference of gates to dense networks of equal cost, against the number of training examples."""

import matplotlib.figure
import pandas as pd

from studies.catalogue.data_size.crossing import against_examples, by_themselves
from studies.metric import difference_label, in_units, unit_of
from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import sample_note
from studies.report.drawing.panels import Labels, legend, line_handles, panels
from studies.report.drawing.scales import macs_axis
from studies.report.drawing.style import styles
from studies.results import Results

# How far apart arms are drawn at one size, so that their intervals can be seen.
_BESIDE = 1.03


def _numbers(results: Results) -> pd.DataFrame:
    columns = ["data", "dataset", "network", "target_density", "arm", "examples", "n"]
    columns += ["reference_error", "difference", "low", "high"]
    return results.with_families(against_examples(results)[columns])


def _draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    units = numbers["dataset"].map(lambda name: unit_of(name).difference)
    numbers = numbers.assign(panel=numbers["data"] + " (" + units + ")")
    labels = Labels("training examples", difference_label(numbers, "difference to the dense front"))
    figure, each_panel = panels(numbers, ("panel",), labels, height=2.8)
    looks = styles(numbers)
    for ax, rows in each_panel:
        ax.axhline(0, color="#555555", linewidth=0.9)
        for place, (arm, line) in enumerate(rows.groupby("arm", sort=False)):
            look, x = looks[str(arm)], line["examples"] * _BESIDE**place
            low, high = (in_units(line, line[end]) for end in ("low", "high"))
            ax.fill_between(x, low, high, color=look.colour, alpha=0.15, linewidth=0)
            ax.vlines(x, low, high, color=look.colour, linewidth=0.9)
            middle = in_units(line, line["difference"])
            ax.plot(x, middle, color=look.colour, marker=look.marker, markersize=4.5, linewidth=1.2)
        macs_axis(ax)
    legend(figure, line_handles(looks, lines=True))
    return figure


def _caption(results: Results) -> str:
    return (
        "Test error minus that of dense networks at the multiply-adds that each run realised, against the number of "
        "examples trained on, on a logarithmic axis: above the line at 0 gates lose, below it they pay. Arms are moved "
        f"aside a little, so that all intervals are seen: {by_themselves(results)} {sample_note(results)}"
    )


DIFFERENCE_AGAINST_EXAMPLES = Figure(
    "difference_against_examples", "Where gates begin to pay", _numbers, _draw, _caption
)
