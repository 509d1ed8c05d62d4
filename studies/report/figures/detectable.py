"""What differences how many seeds would detect."""

from functools import cache

import matplotlib.figure
import pandas as pd

from studies.metric import difference_label, in_units
from studies.report.drawing.contrast_numbers import contrasts_by_reference
from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import count_of, sample_note
from studies.report.drawing.panels import Labels, facets, legend, line_handles
from studies.report.drawing.scales import ratio_axis
from studies.report.drawing.style import styles
from studies.results import SETTING, Results
from studies.results.results import error_ceiling
from studies.results.statistics.rule_power import detectable

_MOST_SEEDS = 50
_POWER = 0.8


def _numbers(results: Results) -> pd.DataFrame:
    contrasts = contrasts_by_reference(results, ["units", "std", "delta", "primary"])
    contrasts = contrasts[contrasts["primary"].astype(bool)]
    alpha = results.protocol.alpha / max(1, results.protocol.contrasts)
    # Two values have no skewness to be careful of.
    many = range(3, max(_MOST_SEEDS, int(contrasts["units"].max()) if len(contrasts) else 0) + 1)
    over = results.protocol.unit_name
    table = contrasts[contrasts["std"] > 0].merge(pd.DataFrame({over: many}), how="cross")
    # It is proportional to the standard deviation.
    sizes = table["std"] * table[over].map(lambda n: _of_unit(n, alpha))
    table = table.assign(detectable=sizes.astype(float))
    ceilings = {name: error_ceiling(runs) for name, runs in results.runs.groupby("dataset")}
    # No two errors differ by more.
    return table[table["detectable"] <= table["dataset"].map(ceilings).astype(float)]


@cache
def _of_unit(seeds: int, alpha: float) -> float:
    return detectable(1.0, looks=(seeds,), alpha=alpha, contrasts=1, power=_POWER)


def _draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    by = [*SETTING, "reference"]
    over = "searches" if "searches" in numbers else "seeds"
    figure, each_panel = facets(numbers, by, Labels(over, difference_label(numbers, "detectable difference")))
    line_styles = styles(numbers)
    for ax, rows in each_panel:
        for arm, group in rows.groupby("arm", sort=False):
            style = line_styles[str(arm)]
            ax.plot(
                group[over],
                in_units(group, group["detectable"]),
                color=style.colour,
                linewidth=1.1,
                marker=style.marker,
                markersize=3.5,
                markevery=(4, 12),
            )
        ax.axvline(float(rows["units"].iloc[0]), color="#555555", linewidth=0.9, linestyle=":")
        ratio_axis(ax, horizontal=True)
        ratio_axis(ax, horizontal=False)
    legend(figure, line_handles(line_styles, lines=True))
    return figure


def _caption(results: Results) -> str:
    protocol = results.protocol
    contrasts, over = count_of(protocol.contrasts, "primary contrast"), protocol.unit_name
    many = f"n = {protocol.seeds}" if protocol.search is None else f"R = {protocol.search.searches}"
    return (
        f"Smallest mean paired difference that is decided as better or worse with probability {_POWER:g} at a single "
        f"look, at level {protocol.alpha:g} / {protocol.contrasts} for {contrasts}, against the number of {over}, "
        "given the standard deviation of each contrast's differences in this study; differences that no two errors can "
        f"have are left out, and no interval is shown. Dotted: the {many} of this study. Both axes are logarithmic. "
        + sample_note(results)
    )


DETECTABLE = Figure("detectable", "What n seeds can detect", _numbers, _draw, _caption)
