"""Where compiled kernels are kept between processes, and the notice that they are being compiled.

Must be imported before any function is compiled: numba reads the folder when it decorates.
"""

import hashlib
import logging
import os
from pathlib import Path

import numba
import platformdirs

logger = logging.getLogger(__name__)


def _source_hash() -> str:
    """Hash all sources: numba notices a change in a kernel's own file, but not in those that it is built from."""
    digest = hashlib.sha256(numba.__version__.encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


FOLDER = Path(os.environ.get("NUMBA_CACHE_DIR") or platformdirs.user_cache_path("gating-studies") / _source_hash())
numba.config.CACHE_DIR = str(FOLDER)


def announce() -> None:
    """Log that kernels are about to be compiled, unless the folder shows that they have been."""
    if not any(FOLDER.rglob("*.nbi")):
        logger.warning("compiling the CPU kernels once for this machine, about 15 seconds; kept in %s", FOLDER)
