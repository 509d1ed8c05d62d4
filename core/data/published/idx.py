"""The IDX format of MNIST: gzip over a magic number, the dimensions, and one byte per value."""

import math
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.data.published.expanding import gunzipped
from core.errors import InputError

UNSIGNED_BYTE = 0x08


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Read an array of bytes with so many dimensions.

    Raises:
        InputError: the file is damaged, expands to too much, or is not such an array.
    """
    content = gunzipped(path, "gzip file").getbuffer()
    begin = 4 + 4 * dimensions
    header = bytes(content[:begin])
    magic = struct.pack(">HBB", 0, UNSIGNED_BYTE, dimensions)
    if header[:4] != magic:
        raise InputError(
            f"{path}: begins with {header[:4].hex() or 'nothing'}, but IDX with bytes in {dimensions} dimensions "
            f"begins with {magic.hex()}; fetch it again"
        )
    if len(header) < begin:
        raise InputError(f"{path}: ends within its header; fetch it again")
    shape = struct.unpack(f">{dimensions}I", header[4:])
    held = len(content) - begin
    if held != math.prod(shape):
        raise InputError(
            f"{path}: holds {held} values, but its header says {' x '.join(map(str, shape))}; fetch it again"
        )
    return np.frombuffer(content, np.uint8, offset=begin).reshape(shape)
