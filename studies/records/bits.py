"""How a record holds what a network came to on each test example where that is measured in bits.

``bits`` has two bytes for each, in the dataset's order: a float16, the lower byte first, all written in base64. Of the
mean of many that leaves seven digits, and of each three.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studies.records.tested import decoded, packed_indices, unpacked_indices

_HELD = np.dtype("<f2")
# A probability that a float32 network gives is not below e^-104, which is 150 bits; larger ones are of broken networks.
MOST = float(np.finfo(_HELD).max)


def packed(indices: Sequence[int], bits: Sequence[float]) -> dict[str, Any]:
    """Return the field ``test_bits`` of a record.

    >>> packed([8, 5, 7], [2.0, 0.5, 1.0])
    {'examples': 3, 'first': 5, 'among': 'sA==', 'bits': 'ADgAPABA'}

    Args:
        indices: [N], which examples of the dataset were tested, in any order.
        bits: [N], at least 0.

    Raises:
        ValueError: there are not as many of both, or none, or an example twice.
    """
    order, field = packed_indices(indices, len(bits))
    held = np.minimum(np.asarray(bits, dtype=np.float64)[order], MOST).astype(_HELD)
    return {**field, "bits": base64.b64encode(held.tobytes()).decode("ascii")}


def unpacked(field: Mapping[str, Any]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return which examples of the dataset were tested, in its order, and the bits of each.

    >>> indices, bits = unpacked({"examples": 3, "first": 5, "among": "sA==", "bits": "ADgAPABA"})
    >>> indices.tolist(), bits.tolist()
    ([5, 7, 8], [0.5, 1.0, 2.0])

    Args:
        field: ``test_bits`` of a record.

    Raises:
        ValueError: it is not what :func:`packed` makes.
    """
    indices, held = unpacked_indices(field), decoded(field["bits"])
    if len(held) != _HELD.itemsize * len(indices):
        raise ValueError(f"it has {len(held)} bytes for {len(indices)} examples, not two for each")
    bits = np.frombuffer(held, _HELD).astype(np.float64)
    if not ((bits >= 0) & np.isfinite(bits)).all():
        raise ValueError("it holds bits that are below 0 or not finite")
    return indices, bits
