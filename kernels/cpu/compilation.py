"""Where compiled kernels are kept between processes, and the notice that they are being compiled.

Must be imported before any function is compiled: numba reads the folder when it decorates.
"""

import functools
import hashlib
import logging
import os
from pathlib import Path

import numba
import platformdirs

SECONDS_PER_KERNEL = 4

logger = logging.getLogger(__name__)


def _source_hash() -> str:
    """Hash all sources: numba notices a change in a kernel's own file, but not in those that it is built from."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


FOLDER = Path(os.environ.get("NUMBA_CACHE_DIR") or platformdirs.user_cache_path("gating-studies") / _source_hash())
numba.config.CACHE_DIR = str(FOLDER)


# The kernels that other code calls; each is kept in files named after it.
LAYER = ("forward.forward", "gemv.gemv", "backward.output_gradients", "backward.input_and_weight_gradients")
NETWORK = ("chain.run_chain", "chain.decide_rows")


@functools.cache
def announce(kernels: tuple[str, ...]) -> None:
    """Log, at most once in a process, that kernels are about to be compiled, unless they are in the folder."""
    missing = sum(not any(FOLDER.rglob(f"{kernel}-*.nbi")) for kernel in kernels)
    if missing:
        seconds = missing * SECONDS_PER_KERNEL
        logger.warning(
            "compiling %d CPU kernels once for this machine, about %d seconds; kept in %s", missing, seconds, FOLDER
        )
