"""The table of a benchmark, row by row as it is measured, and its verdict."""

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from studies.timing.peak import READ_MEBIBYTES, SIZE
from studies.timing.rows import Row

_COLUMNS = (
    ("case", 21), ("batch", 5), ("units", 5), ("density", 7), ("gated", 6), ("launch", 6),
    ("baseline", 16), ("library", 7), ("us", 9),
    ("speed-up", 8), ("10-90 %", 13), ("CPU time", 8), ("ideal", 6), ("reached", 7),
    ("peak %", 9), ("read %", 9), ("target", 6),
)  # fmt: skip
_LEFT = {"case", "gated", "launch", "baseline", "library"}


def print_head(console: Console) -> None:
    """Print the names of the columns."""
    console.print(_line([name for name, _ in _COLUMNS]), style="bold", highlight=False, soft_wrap=True)


def print_row(console: Console, row: Row) -> None:
    """Print one measurement; a missed target is marked."""
    case = row.measured
    cells = [
        case.case,
        str(case.batch),
        str(case.d_in),
        f"{case.density:.4g}",
        case.gated,
        case.launch,
        case.baseline,
        row.library,
        f"{row.microseconds:.1f}",
        _two_digits(row.speedup),
        f"{_two_digits(row.speedup_p10)}-{_two_digits(row.speedup_p90)}",
        _two_digits(row.processor_speedup),
        f"{case.ideal:.3g}",
        f"{row.speedup / case.ideal:.0%}",
        _shares(row.share_of_peak, row.baseline_share_of_peak),
        _shares(row.share_of_reading, row.baseline_share_of_reading),
        "" if row.target is None else f"{row.target:.3g}",
    ]
    missed = ("  missed", "red") if row.missed else ""
    console.print(Text.assemble(_line(cells), missed), soft_wrap=True)


def print_verdict(console: Console, rows: Sequence[Row]) -> None:
    """Say what the peak is, and how many targets were met."""
    targets = [row for row in rows if row.target is not None]
    met = sum(not row.missed for row in targets)
    peak = rows[0].peak if rows else None
    if peak is not None:
        console.print(
            f"peak %: multiply-adds per second of a processor, ours/the baseline's; 100 is torch's fastest product "
            f"of two matrices of {SIZE} x {SIZE}, {peak.macs / 1e9:.0f} billion",
            highlight=False,
            soft_wrap=True,
        )
        console.print(
            f"read %: bytes of weights per second that must be read forward, likewise; 100 is torch's sum of "
            f"{READ_MEBIBYTES} MiB, {peak.bytes / 1e9:.0f} GB; caches are faster",
            highlight=False,
            soft_wrap=True,
        )
    console.print(f"{met} of {len(targets)} targets met", highlight=False)


def _shares(ours: float | None, baseline: float | None) -> str:
    return "" if ours is None or baseline is None else f"{_percent(ours)}/{_percent(baseline)}"


def _percent(share: float) -> str:
    return f"{100 * share:.2g}" if share < 0.995 else f"{100 * share:.0f}"


def _two_digits(ratio: float) -> str:
    return f"{ratio:.1f}" if ratio >= 1 else f"{ratio:.2f}"


def _line(cells: Sequence[str]) -> str:
    return "  ".join(
        cell.ljust(width) if name in _LEFT else cell.rjust(width)
        for cell, (name, width) in zip(cells, _COLUMNS, strict=True)
    )
