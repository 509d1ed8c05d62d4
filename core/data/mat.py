"""The MATLAB files of SVHN's cropped digits: images ``X`` [32, 32, 3, N] and labels ``y`` [N, 1] from 1 to 10.

scipy.io is imported on use, since nothing else needs it.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError


def read_mat(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read the images and labels.

    Returns:
        Pixels ``[N, 3072]`` uint8, first all red, then all green, then all blue ones, each row by row, as in CIFAR;
        and labels ``[N]`` int64, the digits themselves: the file's 10 is digit 0.

    Raises:
        InputError: the file is damaged, or does not hold such images and labels.
    """
    from scipy.io import loadmat

    try:
        found = loadmat(path, appendmat=False, variable_names=["X", "y"])
    except Exception as error:
        # Of a damaged file, it lets out whatever its parser stumbles over.
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(f"{path}: not a readable MATLAB file ({reason}); fetch it again") from None
    for name in ("X", "y"):
        if not isinstance(found.get(name), np.ndarray):
            raise InputError(f"{path}: lacks {name}; SVHN's cropped digits have X [32, 32, 3, N] and y [N, 1]")
    x, y = found["X"], found["y"]
    if x.ndim != 4 or x.shape[:3] != (32, 32, 3) or x.dtype != np.uint8:
        raise InputError(f"{path}: X is {x.dtype} {list(x.shape)}, not uint8 [32, 32, 3, N]")
    count = x.shape[3]
    if y.shape != (count, 1) or y.dtype.kind not in "uif":
        raise InputError(f"{path}: y is {y.dtype} {list(y.shape)}, not [{count}, 1] labels")
    if not np.isin(y, np.arange(1, 11)).all():
        raise InputError(f"{path}: y has labels other than 1..10")
    return x.transpose(3, 2, 0, 1).reshape(count, -1), y[:, 0].astype(np.int64) % 10
