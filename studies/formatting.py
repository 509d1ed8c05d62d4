"""How numbers are written for people."""

import math


def percent(share: float | None, digits: int = 1) -> str:
    """Write a share as a percentage; a dash where there is none.

    >>> percent(0.0712), percent(None)
    ('7.1 %', '–')
    """
    return "–" if _absent(share) else f"{100 * share:.{digits}f} %"


def count(number: float | None) -> str:
    """Write a large count with thin separators; a dash where there is none.

    >>> count(203264.0), count(float("nan"))
    ('203,264', '–')
    """
    return "–" if _absent(number) else f"{number:,.0f}"


def interval(low: float, high: float, digits: int = 1) -> str:
    """Write the two ends of an interval of shares; a dash where it does not exist.

    >>> interval(0.0651, 0.0773)
    '6.5 – 7.7 %'
    """
    return "–" if _absent(low) or _absent(high) else f"{100 * low:.{digits}f} – {100 * high:.{digits}f} %"


def duration(seconds: float) -> str:
    """Write a duration as h:mm:ss or m:ss.

    >>> duration(3723.4), duration(62)
    ('1:02:03', '1:02')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _absent(number: float | None) -> bool:
    return number is None or math.isnan(number)
