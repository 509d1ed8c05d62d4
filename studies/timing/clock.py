"""Timing two contenders side by side."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

Contender = Callable[[int], object]

# So long is one burst of calls: long against the clock's resolution, short against what disturbs a shared machine.
BURST_SECONDS = 5e-3
REPETITIONS = 21
# Enough to tell apart what differs by more than noise.
_TRIALS = 5


@dataclass(frozen=True)
class Timed:
    """Seconds per call of a burst: of the wall clock and of this process's processors, or of the device twice."""

    wall: float
    processor: float


def interleaved(
    baseline: Contender, ours: Contender, device: str, repetitions: int = REPETITIONS
) -> list[tuple[Timed, Timed]]:
    """Return for each repetition the times of both, bursts of which follow one another.

    Each burst is preceded by one call that is not timed, so that neither contender pays for what the other has put into
    the caches. Contenders are called with a running number, by which they change their gates.
    """
    clock = _on_device if device == "cuda" else _on_processor
    counts = [_calls(contender, clock) for contender in (baseline, ours)]
    return [(clock(baseline, counts[0]), clock(ours, counts[1])) for _ in range(repetitions)]


def fastest(ways: Mapping[str, Contender], device: str) -> tuple[str, Contender]:
    """Return the way to compute the same that takes the least time, and its name; bursts of them follow one another.

    Args:
        ways: by their names, one at least.
        device: what they run on.
    """
    if len(ways) == 1:
        return next(iter(ways.items()))
    clock = _on_device if device == "cuda" else _on_processor
    counts = {name: _calls(way, clock) for name, way in ways.items()}
    trials = [{name: clock(way, counts[name]).processor for name, way in ways.items()} for _ in range(_TRIALS)]
    best = min(ways, key=lambda name: min(trial[name] for trial in trials))
    return best, ways[best]


def _calls(contender: Contender, clock: Callable[[Contender, int], Timed]) -> int:
    seconds = min(clock(contender, 3).wall for _ in range(3))
    return max(1, round(BURST_SECONDS / seconds))


def _on_processor(contender: Contender, count: int) -> Timed:
    contender(count)
    wall, processor = time.perf_counter(), time.process_time()
    for number in range(count):
        contender(number)
    return Timed((time.perf_counter() - wall) / count, (time.process_time() - processor) / count)


def _on_device(contender: Contender, count: int) -> Timed:
    contender(count)
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for number in range(count):
        contender(number)
    end.record()
    end.synchronize()
    seconds = start.elapsed_time(end) / 1e3 / count
    return Timed(seconds, seconds)
