"""One colour and marker per arm in every figure, safe for colour-blind readers, and the theme of all pictures."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any, get_args

import pandas as pd
import seaborn as sns
from matplotlib.colors import to_hex, to_rgb

import strategies
from core.strategy import Family
from studies.report.drawing.choice import chosen
from studies.report.drawing.venue import VENUES, Venue
from studies.results.external import FAMILY as EXTERNAL

# Hues of Okabe and Ito (2008), which stay distinct under the common colour-vision deficiencies.
_HUES: dict[str, str] = {
    "control": "#000000",
    "policy gradient": "#0072B2",
    "relaxation": "#D55E00",
    "search": "#009E73",
    "routing": "#CC79A7",
    "halting": "#E69F00",
    EXTERNAL: "#56B4E9",
}
# In their order in all figures; what others found comes last.
FAMILIES: tuple[str, ...] = (*get_args(Family), EXTERNAL)
# None is a cross, which failed runs are.
_MARKERS = "os^DvPh*<>"
# How far each further strategy of a family is from its hue, controls towards white and the others towards black, since
# lighter tints would not stand out from paper. Neighbours in the list are far apart.
_TINTS = (0.0, 0.58, 0.3, 0.66, 0.45, 0.15)
_SHADES = (0.0, 0.42, 0.21, 0.54, 0.32, 0.1)


def theme(venue: Venue = VENUES["default"], width: float | None = None) -> dict[Any, Any]:
    """Return the settings of matplotlib for pictures at a venue.

    Args:
        venue: where they are printed.
        width: of the picture, in inches; by default that of the venue's text.
    """
    return {
        **sns.axes_style("ticks"),
        **sns.plotting_context("paper"),
        "figure.figsize": (venue.text_width if width is None else width, 3.0),
        "figure.dpi": 100,
        "savefig.dpi": 200,
        # A picture cut to what is in it would not be as wide as it was made.
        "savefig.bbox": "standard",
        "font.family": venue.family,
        # Of those that come with matplotlib, so that every machine draws the same; the first looks like Times.
        "font.serif": ["STIXGeneral", "DejaVu Serif"],
        "font.sans-serif": ["DejaVu Sans"],
        "mathtext.fontset": "stix" if venue.family == "serif" else "dejavusans",
        "font.size": venue.font_size,
        "axes.labelsize": venue.font_size,
        "axes.titlesize": venue.font_size,
        "figure.labelsize": venue.font_size,
        "xtick.labelsize": venue.small_font_size,
        "ytick.labelsize": venue.small_font_size,
        "legend.fontsize": venue.small_font_size,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.titlepad": 4.0,
        "grid.color": "#e6e6e6",
        "grid.linewidth": 0.6,
        "axes.axisbelow": True,
        "legend.frameon": False,
        # Type 42 fonts can be edited and searched; many venues refuse the default Type 3.
        "pdf.fonttype": 42,
        "ps.fonttype": 42,
        "svg.hashsalt": "gating-studies",
    }


@dataclass(frozen=True)
class Style:
    """How an arm or a strategy looks in every figure."""

    colour: str
    marker: str


@cache
def _members(family: str) -> tuple[str, ...]:
    return tuple(name for name in strategies.built_in() if strategies.find(name).family == family)


def series_of(numbers: pd.DataFrame) -> str:
    """Return the column that names the lines of a figure: ``series`` if there is one, else ``arm``, else ``strategy``.

    >>> series_of(pd.DataFrame({"arm": ["top_k, sgd"], "strategy": ["top_k"]}))
    'arm'
    """
    return next(column for column in ("series", "arm", "strategy") if column in numbers)


def styles(numbers: pd.DataFrame) -> dict[str, Style]:
    """Return the style of each line of a table, see :func:`series_of`, which has the column ``family`` too.

    The hue and the first marker are the family's; tint and marker follow a strategy's place among this package's own
    strategies of that family, so that they do not depend on which others are shown. Other names come after. Families
    are together, in one order for all figures; results of others have one hue that no family has, and come last.
    """
    families = dict(zip(numbers[series_of(numbers)], numbers["family"], strict=True))
    called = chosen().names
    line_styles = {}
    for number, family in enumerate(FAMILIES):
        own = [called.get(name, name) for name in _members(family)]
        foreign = sorted(name for name, of in families.items() if of == family and name not in own)
        for place, name in enumerate([*own, *foreign]):
            towards, steps = (1.0, _TINTS) if family == "control" else (0.0, _SHADES)
            # One colour for all that was not run here, since darker ones would look like another family.
            step = 0.0 if family == EXTERNAL else steps[place % len(steps)]
            red, green, blue = ((1 - step) * part + step * towards for part in to_rgb(_HUES[family]))
            line_styles[name] = Style(to_hex((red, green, blue)), _MARKERS[(number + place) % len(_MARKERS)])
    shown = {name: style for name, style in line_styles.items() if name in families}
    colours = chosen().colours()
    return {name: replace(style, colour=colours.get(name, style.colour)) for name, style in shown.items()}
