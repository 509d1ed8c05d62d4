"""How fast this machine multiplies matrices and reads memory at best: what shares are of."""

import time
from collections.abc import Callable
from typing import NamedTuple

import torch

from studies.timing.one_dnn import available, packed_linear

# Long against the clock, and more than the caches of one core hold.
SIZE = 2048
READ_MEBIBYTES = 16
REPETITIONS = 10


class Peak(NamedTuple):
    """What one processor does per second in float32: multiply-adds in torch's fastest large product, bytes in a sum."""

    macs: float
    bytes: float


def measured_peak() -> Peak:
    """Measure it: the fastest of some calls counts, since other programs make calls slower, if only by using caches."""
    a, b, out = (torch.ones(SIZE, SIZE, dtype=torch.float32, device="cpu") for _ in range(3))
    numbers = torch.ones(READ_MEBIBYTES * 2**18, dtype=torch.float32, device="cpu")
    multiplying = _seconds(lambda: torch.mm(a, b, out=out))
    if available():
        packed = packed_linear(b, out[0], SIZE)
        multiplying = min(multiplying, _seconds(lambda: packed(a)))
    reading = _seconds(numbers.sum)
    return Peak(SIZE**3 / multiplying, 4 * numbers.numel() / reading)


def _seconds(call: Callable[[], object]) -> float:
    seconds = []
    for _ in range(REPETITIONS):
        start = time.process_time()
        call()
        seconds.append(time.process_time() - start)
    return min(seconds)
