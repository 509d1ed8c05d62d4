"""The IDX format of MNIST: gzip over a magic number, the dimensions, and one byte per value."""

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError

UNSIGNED_BYTE = 0x08


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Read an array of bytes with so many dimensions.

    Raises:
        InputError: the file is damaged, or is not such an array.
    """
    try:
        with gzip.open(path) as file:
            header = file.read(4 + 4 * dimensions)
            content = file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(f"{path}: not a whole gzip file ({error}); fetch it again") from None
    magic = struct.pack(">HBB", 0, UNSIGNED_BYTE, dimensions)
    if header[:4] != magic:
        raise InputError(
            f"{path}: begins with {header[:4].hex() or 'nothing'}, but IDX with bytes in {dimensions} dimensions "
            f"begins with {magic.hex()}; fetch it again"
        )
    if len(header) < 4 + 4 * dimensions:
        raise InputError(f"{path}: ends within its header; fetch it again")
    shape = struct.unpack(f">{dimensions}I", header[4:])
    if len(content) != math.prod(shape):
        raise InputError(
            f"{path}: holds {len(content)} values, but its header says {' x '.join(map(str, shape))}; fetch it again"
        )
    return np.frombuffer(content, np.uint8).reshape(shape)
