"""How fast this machine multiplies matrices at best: what shares are of."""

import time

import torch

# Long against the clock, and more than caches hold.
SIZE = 2048
REPETITIONS = 10


def measured_peak() -> float:
    """Return the multiply-adds per second of a processor in a large product of torch, in float32.

    The fastest of some products counts, since other programs make them slower, if only by their use of caches.
    """
    a, b, out = (torch.ones(SIZE, SIZE, dtype=torch.float32, device="cpu") for _ in range(3))
    seconds = []
    for _ in range(REPETITIONS):
        start = time.process_time()
        torch.mm(a, b, out=out)
        seconds.append(time.process_time() - start)
    return float(SIZE**3 / min(seconds))
