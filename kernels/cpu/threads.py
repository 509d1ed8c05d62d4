"""Sharing a large call out over threads; the kernels release the interpreter's lock."""

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

# Starting and joining threads costs about as much as this many multiply-adds on one of them.
PARALLEL_WORK = 4_000_000


class _Threads:
    count = 1
    pool: ThreadPoolExecutor | None = None

    @classmethod
    def start(cls) -> None:
        cls.pool = ThreadPoolExecutor(cls.count, thread_name_prefix="block_linear") if cls.count > 1 else None


# A forked process has the pool, but none of its threads.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_Threads.start)


def set_threads(count: int) -> None:
    """Use so many threads in large calls; 1 at first, since a study runs one trial per processor.

    Raises:
        ValueError: ``count`` is less than 1.
    """
    if count < 1:
        raise ValueError(f"threads: {count}, expected at least 1")
    if count != _Threads.count:
        if _Threads.pool is not None:
            _Threads.pool.shutdown()
        _Threads.count = count
        _Threads.start()


def in_ranges(run: Callable[[int, int], None], count: int, work: int) -> None:
    """Call ``run`` on ranges that make up ``0..count``, one per thread if there is enough work.

    Args:
        run: takes the start and the end of a range.
        count: of what is shared out.
        work: multiply-adds of a dense call of this size.
    """
    parts = min(_Threads.count, count, max(1, work // PARALLEL_WORK))
    if parts == 1 or _Threads.pool is None:
        run(0, count)
        return
    bounds = [count * part // parts for part in range(parts + 1)]
    for done in [_Threads.pool.submit(run, *pair) for pair in itertools.pairwise(bounds)]:
        done.result()
