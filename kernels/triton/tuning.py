"""The choice of a configuration by measuring each once, where that is possible."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import torch
import triton
import triton.testing

T = TypeVar("T")
WARM_UP_MS, MEASURE_MS = 5, 20


@dataclass(frozen=True)
class Config:
    """How one kernel is cut up: rows of a tile, columns or rows of a step, warps, and stages of its pipeline."""

    size: int
    warps: int = 4
    stages: int = 3


_chosen: dict[Hashable, Config] = {}


def with_best(key: Hashable, configs: Sequence[Config], attempt: Callable[[Config], T]) -> T:
    """Run ``attempt`` with the fastest of ``configs`` for this ``key``, measured on the first call.

    ``key`` holds shapes and dtypes but no counts of open gates, which are known to the device alone. The first of
    ``configs`` is taken unmeasured where measuring is impossible (interpreter, stream capture) or unwanted
    (``torch.use_deterministic_algorithms``, since configurations may round differently).
    """
    config = _chosen.get(key)
    if config is None:
        config = configs[0]
        if len(configs) > 1 and _can_measure():
            config = _chosen[key] = min(configs, key=lambda candidate: _time(partial(attempt, candidate)))
    return attempt(config)


def _can_measure() -> bool:
    if triton.knobs.runtime.interpret or not torch.cuda.is_available():
        return False
    return not (torch.cuda.is_current_stream_capturing() or torch.are_deterministic_algorithms_enabled())


def _time(run: Callable[[], object]) -> float:
    """Median milliseconds with a cold L2 cache; infinite for what does not fit the device."""
    try:
        return float(triton.testing.do_bench(run, warmup=WARM_UP_MS, rep=MEASURE_MS, return_mode="median"))
    except triton.runtime.errors.OutOfResources:
        return float("inf")
