"""How a record holds which test examples a network was right on: ``right`` has a bit for each, in their order."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studies.records.tested import bits_of, bytes_for, packed_indices, text_of, unpacked_indices


def packed(indices: Sequence[int], right: Sequence[bool]) -> dict[str, Any]:
    """Return the field ``test_hits`` of a record.

    The network was right on the examples 5 and 8 of 5, 7 and 8, which is 101; padded with zeros that is 160:

    >>> packed([8, 5, 7], [True, True, False])
    {'examples': 3, 'first': 5, 'among': 'sA==', 'right': 'oA=='}

    Args:
        indices: [N], which examples of the dataset were tested, in any order.
        right: [N], whether the network was right on each.

    Raises:
        ValueError: there are not as many of both, or none, or an example twice.
    """
    order, field = packed_indices(indices, len(right))
    return {**field, "right": text_of(np.asarray(right, dtype=bool)[order])}


def unpacked(field: Mapping[str, Any]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return which examples of the dataset were tested, in its order, and whether the network was right on each.

    >>> indices, right = unpacked({"examples": 3, "first": 5, "among": "sA==", "right": "oA=="})
    >>> indices.tolist(), right.tolist()
    ([5, 7, 8], [True, False, True])

    Args:
        field: ``test_hits`` of a record.

    Raises:
        ValueError: it is not what :func:`packed` makes.
    """
    indices, examples = unpacked_indices(field), field["examples"]
    right = bits_of(field["right"])
    if len(right) != 8 * bytes_for(examples) or right[examples:].any():
        raise ValueError(f"it does not have a bit for each of {examples} examples")
    return indices, right[:examples].astype(bool)
