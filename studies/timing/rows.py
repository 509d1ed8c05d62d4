"""Measures cases and returns rows."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import torch

from core.errors import MachineError
from studies.records.environment import processor
from studies.timing.cases import Case
from studies.timing.clock import fastest, interleaved
from studies.timing.contenders import contenders
from studies.timing.peak import Peak, measured_peak
from studies.timing.traffic import baseline_weight_bytes, weight_bytes


@dataclass(frozen=True)
class Row:
    """What one case showed.

    Attributes:
        measured: the case.
        device: its name.
        threads: of the baseline and of ours.
        library: how torch computed the baseline, which is the fastest way: ``eager``, as ``nn.Linear`` does, or by
            ``oneDNN`` with packed weights.
        speedup: median over the repetitions of baseline time / our time, by the wall clock.
        speedup_p10: 10th percentile.
        speedup_p90: 90th percentile.
        processor_speedup: the median by processor time, which a shared machine does not stretch.
        baseline_microseconds: median time of a call.
        microseconds: ours.
        baseline_processor_microseconds: median time of this process's processors for a call.
        processor_microseconds: ours.
        peak: what a processor does per second at best, in the same run; None on a GPU, where it is not measured.
    """

    measured: Case
    device: str
    threads: int
    library: str
    speedup: float
    speedup_p10: float
    speedup_p90: float
    processor_speedup: float
    baseline_microseconds: float
    microseconds: float
    baseline_processor_microseconds: float
    processor_microseconds: float
    peak: Peak | None = None

    @property
    def share_of_peak(self) -> float | None:
        """The multiply-adds that ours needs, per second of a processor, as a share of the peak."""
        return None if self.peak is None else self.measured.macs / self._seconds / self.peak.macs

    @property
    def baseline_share_of_peak(self) -> float | None:
        """The same of the baseline: how well the library does that ours is compared with."""
        return None if self.peak is None else self.measured.baseline_macs / self._baseline_seconds / self.peak.macs

    @property
    def share_of_reading(self) -> float | None:
        """The bytes of weights that ours has to read, likewise; more than 1 if caches hold them. None in training."""
        read = weight_bytes(self.measured)
        return None if self.peak is None or read is None else read / self._seconds / self.peak.bytes

    @property
    def baseline_share_of_reading(self) -> float | None:
        """The same of the baseline."""
        read = baseline_weight_bytes(self.measured)
        return None if self.peak is None or read is None else read / self._baseline_seconds / self.peak.bytes

    @property
    def _seconds(self) -> float:
        return self.processor_microseconds / 1e6

    @property
    def _baseline_seconds(self) -> float:
        return self.baseline_processor_microseconds / 1e6

    @property
    def target(self) -> float | None:
        """The speed-up to reach; targets are for one thread."""
        return self.measured.target if self.threads == 1 else None

    @property
    def missed(self) -> bool:
        """Whether the median is below the target."""
        return self.target is not None and self.speedup < self.target

    def as_dict(self) -> dict[str, object]:
        """Return plain data, the case's fields first."""
        values = asdict(self)
        values.pop("peak")
        return {
            **values.pop("measured"),
            "target": self.target,
            "ideal": self.measured.ideal,
            **values,
            "macs": self.measured.macs,
            "peak_macs": None if self.peak is None else self.peak.macs,
            "share_of_peak": self.share_of_peak,
            "baseline_share_of_peak": self.baseline_share_of_peak,
            "peak_bytes": None if self.peak is None else self.peak.bytes,
            "share_of_reading": self.share_of_reading,
            "baseline_share_of_reading": self.baseline_share_of_reading,
        }


def measure(
    cases: Sequence[Case], device: str, threads: int, report: Callable[[Row], None] = lambda row: None
) -> list[Row]:
    """Measure each case, side by side with its baseline, and report it at once.

    Raises:
        MachineError: this CPU cannot run the kernels.
    """
    if device == "cpu":
        # Not at the top: a GPU machine need not have numba.
        from kernels.cpu import prepare, set_threads

        reason = prepare()
        if reason is not None:
            raise MachineError(f"there is nothing to measure on the CPU: {reason}")
        set_threads(threads)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    rows = []
    try:
        peak = measured_peak() if device == "cpu" else None
        for case in cases:
            rows.append(_measure(case, device, threads, peak))
            report(rows[-1])
    finally:
        torch.set_num_threads(before)
        if device == "cpu":
            set_threads(1)
    return rows


def _measure(case: Case, device: str, threads: int, peak: Peak | None) -> Row:
    ways, ours = contenders(case, device)
    library, baseline = fastest(ways, device)
    times = interleaved(baseline, ours, device)
    wall = np.array([(theirs.wall, own.wall) for theirs, own in times])
    used = np.array([(theirs.processor, own.processor) for theirs, own in times])
    ratios = wall[:, 0] / wall[:, 1]
    low, high = np.percentile(ratios, [10, 90])
    return Row(
        measured=case,
        device=torch.cuda.get_device_name() if device == "cuda" else processor(),
        threads=threads,
        library=library,
        speedup=float(np.median(ratios)),
        speedup_p10=float(low),
        speedup_p90=float(high),
        processor_speedup=float(np.median(used[:, 0] / used[:, 1])),
        baseline_microseconds=float(np.median(wall[:, 0])) * 1e6 / case.calls,
        microseconds=float(np.median(wall[:, 1])) * 1e6 / case.calls,
        baseline_processor_microseconds=float(np.median(used[:, 0])) * 1e6 / case.calls,
        processor_microseconds=float(np.median(used[:, 1])) * 1e6 / case.calls,
        peak=peak,
    )
