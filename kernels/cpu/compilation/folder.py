"""Where compiled kernels are kept between processes, and the notice that they are being compiled.

Must be imported before any function is compiled: numba reads the folder when it decorates.
"""

import hashlib
import logging
import os
import shutil
import sys
import tempfile
from pathlib import Path

import numba
import platformdirs

from kernels.cpu.compilation.processor import TARGET

SECONDS_PER_KERNEL = 4
# The kernels that other code calls, by module and name; each is kept in files named after it.
LAYER = ("forward.forward", "gemv.gemv", "backward.output_gradients", "backward.input_and_weight_gradients")
NETWORK = ("chain.run_chain", "chain.decide_rows")
_PACKAGE = Path(__file__).absolute().parent.parent
# All kernels take 20 MB.
_SPACE = 50_000_000

logger = logging.getLogger(__name__)


def _key() -> str:
    """Hash all that kernels are compiled anew for, so that what is in a folder of this name is all of use.

    Numba has the processor in its index too, and a kernel's own file, but not what that is built from.
    """
    made_by = numba.__version__, sys.implementation.cache_tag, *TARGET, _PACKAGE
    digest = hashlib.sha256(repr(made_by).encode())
    for path in sorted(_PACKAGE.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _own() -> Path:
    """Return a folder of this user's below the one for temporary files."""
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir()).absolute() / f"gating-studies-{user}"


def _kept_below(place: Path, *, among_others: bool = False) -> Path:
    """Return the folder below ``place`` for kernels of these sources and this processor, which is made if need be.

    Args:
        place: the folder for kernels of all versions.
        among_others: whether others can write beside it: what they have put there is code that would be run.

    Raises:
        OSError: kernels cannot be kept there.
    """
    if not place.is_absolute():
        raise OSError("this user has no home")
    place.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = place.lstat()
    if among_others and hasattr(os, "getuid") and (found.st_uid != os.getuid() or found.st_mode & 0o077):
        raise OSError("it is not for this user alone")
    folder = place / _key()
    folder.mkdir(exist_ok=True)
    # As numba tries it, which takes no kernels from where it cannot write.
    tempfile.TemporaryFile(dir=folder).close()
    if shutil.disk_usage(folder).free < _SPACE and not all(_has(folder, kernel) for kernel in LAYER + NETWORK):
        raise OSError("its disk is full")
    return folder


def _folder() -> Path | None:
    """Return where kernels are kept, and log it if that is not the first place; None if nowhere."""
    given = os.environ.get("NUMBA_CACHE_DIR")
    place = Path(given).absolute() if given else platformdirs.user_cache_path("gating-studies")
    try:
        return _kept_below(place)
    except OSError as error:
        reason = f"{place} cannot be used: {error.strerror or error}"
    try:
        folder = _kept_below(_own(), among_others=True)
    except OSError:
        logger.warning("compiled CPU kernels are not kept, each process compiles them: %s", reason)
        return None
    logger.warning("compiled CPU kernels are kept in %s: %s", folder, reason)
    return folder


def _has(folder: Path, kernel: str) -> bool:
    return any(folder.rglob(f"{kernel}-*.nbi"))


FOLDER = _folder()
# For the decorators of kernels.
KEPT = FOLDER is not None
numba.config.CACHE_DIR = str(FOLDER or "")


def announce(kernels: tuple[str, ...]) -> None:
    """Log that kernels are about to be compiled, unless they are in the folder."""
    missing = sum(FOLDER is None or not _has(FOLDER, kernel) for kernel in kernels)
    if missing:
        where = "for this process" if FOLDER is None else "once for this machine"
        seconds = missing * SECONDS_PER_KERNEL
        kept = "" if FOLDER is None else f"; kept in {FOLDER}"
        logger.warning("compiling %d CPU kernels %s, about %d seconds%s", missing, where, seconds, kept)
