"""One colour and marker per strategy in every figure, safe for colour-blind readers, and the paper theme."""

from dataclasses import dataclass
from functools import cache
from typing import Any, get_args

import pandas as pd
import seaborn as sns
from matplotlib.colors import to_hex, to_rgb

import strategies
from core.strategy import Family

# Hues of Okabe and Ito (2008), which stay distinct under the common colour-vision deficiencies.
_HUES: dict[Family, str] = {
    "control": "#000000",
    "policy gradient": "#0072B2",
    "relaxation": "#D55E00",
    "search": "#009E73",
    "routing": "#CC79A7",
    "halting": "#E69F00",
}
_MARKERS = "os^DvPX*<>"
# How far each further strategy of a family is from its hue, controls towards white and the others towards black, since
# lighter tints would not stand out from paper. Neighbours in the list are far apart.
_TINTS = (0.0, 0.58, 0.3, 0.66, 0.45, 0.15)
_SHADES = (0.0, 0.42, 0.21, 0.54, 0.32, 0.1)

THEME: dict[Any, Any] = {
    **sns.axes_style("ticks"),
    **sns.plotting_context("paper"),
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "savefig.bbox": "tight",
    "font.size": 9,
    "axes.labelsize": 9,
    "axes.titlesize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    # Type 42 fonts can be edited and searched; many venues refuse the default Type 3.
    "pdf.fonttype": 42,
    "svg.hashsalt": "gating-studies",
}


@dataclass(frozen=True)
class Style:
    """How a strategy looks in every figure."""

    colour: str
    marker: str


@cache
def _members(family: str) -> tuple[str, ...]:
    return tuple(name for name in strategies.built_in() if strategies.find(name).family == family)


def styles(numbers: pd.DataFrame) -> dict[str, Style]:
    """Return the style of each strategy in a table with the columns ``strategy`` and ``family``.

    The hue and the first marker are the family's; tint and marker follow the strategy's place among this package's own
    strategies of that family, so that they do not depend on which others are shown. Strategies from outside come after.
    """
    families = dict(zip(numbers["strategy"], numbers["family"], strict=True))
    looks = {}
    for number, family in enumerate(get_args(Family)):
        foreign = sorted(name for name, of in families.items() if of == family and name not in _members(family))
        for place, name in enumerate([*_members(family), *foreign]):
            towards, steps = (1.0, _TINTS) if family == "control" else (0.0, _SHADES)
            step = steps[place % len(steps)]
            red, green, blue = ((1 - step) * part + step * towards for part in to_rgb(_HUES[family]))
            looks[name] = Style(to_hex((red, green, blue)), _MARKERS[(number + place) % len(_MARKERS)])
    return {name: looks[name] for name in families}
