"""What differences how many seeds would detect."""

from functools import cache

import matplotlib.figure
import pandas as pd

from studies.report.drawing.contrast_numbers import contrasts_by_reference
from studies.report.drawing.figure import Figure
from studies.report.drawing.notes import count_of, sample_note
from studies.report.drawing.panels import Labels, facets, legend, line_handles
from studies.report.drawing.scales import ratio_axis
from studies.report.drawing.style import styles
from studies.results import SETTING, Results
from studies.results.statistics.power import detectable_at

_MOST_SEEDS = 50
_POWER = 0.8


def _numbers(results: Results) -> pd.DataFrame:
    contrasts = contrasts_by_reference(results, ["n", "std"])
    alpha = results.protocol.alpha / max(1, len(contrasts))
    seeds = range(2, max(_MOST_SEEDS, results.protocol.seeds) + 1)
    table = contrasts[contrasts["std"] > 0].merge(pd.DataFrame({"seeds": seeds}), how="cross")
    # It is proportional to the standard deviation.
    detectable = table["std"] * table["seeds"].map(lambda n: _of_unit(n, alpha))
    table = table.assign(detectable=detectable.astype(float), delta=results.protocol.delta)
    # No two errors differ by more.
    return table[table["detectable"] <= 1]


@cache
def _of_unit(seeds: int, alpha: float) -> float:
    return detectable_at(1.0, seeds, alpha=alpha, power=_POWER)


def _draw(numbers: pd.DataFrame) -> matplotlib.figure.Figure:
    by = [*SETTING, "reference"]
    figure, each_panel = facets(numbers, by, Labels("seeds", "detectable difference (points)"))
    line_styles = styles(numbers)
    for ax, rows in each_panel:
        for arm, group in rows.groupby("arm", sort=False):
            style = line_styles[str(arm)]
            ax.plot(
                group["seeds"],
                100 * group["detectable"],
                color=style.colour,
                linewidth=1.1,
                marker=style.marker,
                markersize=3.5,
                markevery=(4, 12),
            )
        ax.axhline(100 * float(rows["delta"].iloc[0]), color="#555555", linewidth=0.9, linestyle="--")
        ax.axvline(float(rows["n"].iloc[0]), color="#555555", linewidth=0.9, linestyle=":")
        ratio_axis(ax, horizontal=True)
        ratio_axis(ax, horizontal=False)
    legend(figure, line_handles(line_styles, lines=True))
    return figure


def _caption(results: Results) -> str:
    protocol = results.protocol
    contrasts = count_of(len(results.contrasts), "contrast")
    return (
        f"Smallest mean paired difference that a t test detects with {100 * _POWER:g} % power at level "
        f"{protocol.alpha:g} / {len(results.contrasts)}, for {contrasts}, against the number of seeds, given the "
        "standard deviation of each contrast's differences in this study; differences above 100 points are left out, "
        f"and no interval is shown. Dotted: the n = {protocol.seeds} of this study; dashed: "
        f"δ = {100 * protocol.delta:g} points, the smallest difference that matters. Both axes are logarithmic. "
        + sample_note(results)
    )


DETECTABLE = Figure("detectable", "What n seeds can detect", _numbers, _draw, _caption)
