"""How numbers are written for people."""

import math
from typing import TypeGuard


def percent(share: float | None, digits: int = 1) -> str:
    """Write a share as a percentage; a dash where there is none.

    >>> percent(0.0712), percent(None)
    ('7.1 %', '–')
    """
    return f"{100 * share:.{digits}f} %" if _present(share) else "–"


def count(number: float | None) -> str:
    """Write a large count with thin separators; a dash where there is none.

    >>> count(203264.0), count(float("nan"))
    ('203,264', '–')
    """
    return f"{number:,.0f}" if _present(number) else "–"


def number(value: float | None, digits: int) -> str:
    """Write a number with so many decimals; a dash where there is none.

    >>> number(0.25, 1), number(None, 1)
    ('0.2', '–')
    """
    return f"{value:.{digits}f}" if _present(value) else "–"


def megabytes(size: float) -> str:
    """Write a number of bytes in millions.

    >>> megabytes(11_594_722)
    '12 MB'
    """
    return f"{size / 1e6:.0f} MB"


def interval(low: float, high: float, digits: int = 1) -> str:
    """Write the two ends of an interval of shares; a dash where it does not exist.

    >>> interval(0.0651, 0.0773)
    '6.5 – 7.7 %'
    """
    return f"{100 * low:.{digits}f} – {100 * high:.{digits}f} %" if _present(low) and _present(high) else "–"


def points(difference: float | None, digits: int = 1, *, signed: bool = True) -> str:
    """Write a difference of shares in percentage points; a dash where there is none.

    >>> points(-0.0123), points(0.005), points(0.005, signed=False)
    ('−1.2', '+0.5', '0.5')
    """
    if not _present(difference):
        return "–"
    return f"{100 * difference:{'+' if signed else ''}.{digits}f}".replace("-", "−")


def points_interval(low: float, high: float) -> str:
    """Write the two ends of an interval of differences in percentage points.

    >>> points_interval(-0.012, 0.005)
    '−1.2 to +0.5'
    """
    return f"{points(low)} to {points(high)}"


def share(value: float) -> str:
    """Write a share as 1/N where it is one, else as a decimal; a dash where there is none.

    >>> share(0.125), share(0.3), share(float("nan"))
    ('1/8', '0.3', '–')
    """
    if not _present(value):
        return "–"
    parts = round(1 / value)
    return f"1/{parts}" if parts > 1 and abs(1 / value - parts) < 1e-9 else f"{value:.3g}"


def duration(seconds: float) -> str:
    """Write a duration as h:mm:ss or m:ss.

    >>> duration(3723.4), duration(62)
    ('1:02:03', '1:02')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def printable(text: str) -> str:
    """Write text of unknown origin in one line, without anything that a terminal would obey.

    >>> printable("lost\\n its \\x1b[31mway")
    'lost its ?[31mway'
    """
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join(text.split()))


def _present(number: float | None) -> TypeGuard[float]:
    return number is not None and not math.isnan(number)
