"""The MATLAB files of SVHN's cropped digits: images ``X`` [32, 32, 3, N] and labels ``y`` [N, 1] from 1 to 10.

scipy.io is imported on use, since nothing else needs it.
"""

import struct
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.data.published.expanding import MOST_BYTES, inflated_size, too_much
from core.errors import InputError

_WANTED: Final = ("X", "y")
_HEADER: Final = 128  # bytes
_COMPRESSED: Final = 15
# Kinds of arrays that take no more memory than their bytes in the file.
_NUMBERS: Final = frozenset(
    {"double", "single", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))}
)


def read_mat(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read the images and labels.

    Returns:
        Pixels ``[N, 3072]`` uint8, first all red, then all green, then all blue ones, each row by row, as in CIFAR;
        and labels ``[N]`` int64, the digits themselves: the file's 10 is digit 0.

    Raises:
        InputError: the file is damaged, expands to too much, or does not hold such images and labels.
    """
    from scipy.io import loadmat, whosmat

    try:
        if _size(path) > MOST_BYTES:
            raise too_much(path)
        kinds = {name: kind for name, _, kind in reversed(whosmat(path, appendmat=False))}
        for name in _WANTED:
            if kinds.get(name) not in _NUMBERS:
                held = f"lacks {name}" if name not in kinds else f"{name} is a {kinds[name]} array"
                raise InputError(f"{path}: {held}; SVHN's cropped digits have X [32, 32, 3, N] and y [N, 1]")
        found = loadmat(path, appendmat=False, variable_names=_WANTED)
    except InputError:
        raise
    except Exception as error:
        # Of a damaged file, it lets out whatever its parser stumbles over.
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"{path}: not a readable MATLAB file ({reason}); fetch it again") from None
    x, y = found["X"], found["y"]
    if x.ndim != 4 or x.shape[:3] != (32, 32, 3) or x.dtype != np.uint8:
        raise InputError(f"{path}: X is {x.dtype} {list(x.shape)}, not uint8 [32, 32, 3, N]")
    count = x.shape[3]
    if y.shape != (count, 1) or y.dtype.kind not in "uif":
        raise InputError(f"{path}: y is {y.dtype} {list(y.shape)}, not [{count}, 1] labels")
    if not np.isin(y, np.arange(1, 11)).all():
        raise InputError(f"{path}: y has labels other than 1..10")
    return x.transpose(3, 2, 0, 1).reshape(count, -1), y[:, 0].astype(np.int64) % 10


def _size(path: Path) -> int:
    """Return how many bytes the file has when all that is compressed in it is expanded; it stops beyond the limit."""
    end = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(_HEADER)
        order = ">" if head.endswith(b"MI") else "<"
        size = len(head)
        while size <= MOST_BYTES and (tag := file.read(8)):
            kind, length = struct.unpack(f"{order}II", tag)
            begin = file.tell()
            if begin + length > end:
                raise ValueError("a part is longer than the file")
            size += inflated_size(file, length) if kind == _COMPRESSED else length
            file.seek(begin + length)
    return size
