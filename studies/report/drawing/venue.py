"""Where pictures are printed. A picture as wide as its place is not rescaled by LaTeX, and so keeps its letters' size.

Widths are those of the style files, and so are sizes of captions, which labels share:

======== ==================================================================================
neurips  ``neurips_2023.sty`` and later: one column of 5.5 in, captions of 10 pt
iclr     ``iclr2024_conference.sty`` and later: one column of 5.5 in, captions of 10 pt
icml     ``icml2024.sty``: 6.75 in of text, columns 0.25 in apart, captions of 9 pt
ieee     ``IEEEtran.cls``: 43 pc of text, columns 1 pc apart, captions of 8 pt
acl      ``acl.sty``: A4 less twice 2.5 cm, columns 0.6 cm apart, captions of 10 pt
springer ``llncs.cls``: one column of 12.2 cm, captions of 9 pt
======== ==================================================================================
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from core.errors import unknown

_PICA = 12 / 72.27  # inches
_CM = 1 / 2.54


@dataclass(frozen=True)
class Venue:
    """A venue's widths and letters.

    Attributes:
        name: how the command line calls it.
        text_width: width of the page's text in inches, and of pictures with several panels.
        column_width: width of a column in inches, and of pictures with one panel.
        font_size: size of labels in points.
        family: kind of letters.
    """

    name: str
    text_width: float
    column_width: float
    font_size: float
    family: Literal["serif", "sans-serif"]

    @property
    def small_font_size(self) -> float:
        """Size of ticks and legends in points: 85 % of the labels', as small to them as a footnote to its text.

        >>> [Venue("", 1.0, 1.0, size, "serif").small_font_size for size in (8, 9, 10)]
        [7, 8, 8]
        """
        return round(0.85 * self.font_size)


VENUES: Mapping[str, Venue] = {
    venue.name: venue
    for venue in (
        Venue("default", 6.75, 6.75, 9, "sans-serif"),
        Venue("neurips", 5.5, 5.5, 10, "serif"),
        Venue("icml", 6.75, 3.25, 9, "serif"),
        Venue("iclr", 5.5, 5.5, 10, "serif"),
        Venue("ieee", 43 * _PICA, 21 * _PICA, 8, "serif"),
        Venue("acl", 16 * _CM, 7.7 * _CM, 10, "serif"),
        Venue("springer", 12.2 * _CM, 12.2 * _CM, 9, "serif"),
    )
}


def find_venue(name: str) -> Venue:
    """Return the venue of that name.

    Raises:
        InputError: there is none.
    """
    if name not in VENUES:
        raise unknown("venue", name, VENUES)
    return VENUES[name]
