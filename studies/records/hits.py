"""How a record holds which test examples a network was right on: a bit each, as text.

``examples`` is how many test examples there were. ``among`` has a bit for every example of the dataset from ``first``,
the first test example, to the last one: whether it is a test example. ``right`` has a bit for every test example, in
the order of the dataset: whether the network was right. Bits are packed eight to a byte, the first one highest, padded
with zeros, and written in base64.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def packed(indices: Sequence[int], right: Sequence[bool]) -> dict[str, Any]:
    """Return the field ``test_hits`` of a record.

    The examples 5, 7 and 8 are 1011 from 5 on; the network was right on 5 and 8, which is 101. Padded with zeros these
    bytes are 176 and 160:

    >>> packed([8, 5, 7], [True, True, False])
    {'examples': 3, 'first': 5, 'among': 'sA==', 'right': 'oA=='}

    Args:
        indices: [N], which examples of the dataset were tested, in any order.
        right: [N], whether the network was right on each.

    Raises:
        ValueError: there are not as many of both, or none, or an example twice.
    """
    places = np.asarray(indices, dtype=np.int64)
    order = np.argsort(places)
    first = int(places[order[0]]) if len(places) else 0
    among = np.bincount(places - first) if len(places) else np.zeros(0, np.int64)
    if not len(places) or len(places) != len(right) or among.max() > 1:
        raise ValueError(f"{len(right)} hits are not of {len(places)} examples, one each")
    hits = np.asarray(right, dtype=bool)[order]
    return {"examples": len(places), "first": first, "among": _text(among > 0), "right": _text(hits)}


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
    examples, first = field["examples"], field["first"]
    among = np.flatnonzero(_bits(field["among"]))
    right = _bits(field["right"])
    if len(among) != examples or among[0] or _bytes(int(among[-1]) + 1) != len(_decoded(field["among"])):
        raise ValueError(f"test_hits names {len(among)} examples from example {first} on, not {examples}")
    if len(right) != 8 * _bytes(examples) or right[examples:].any():
        raise ValueError(f"test_hits does not have a bit for each of {examples} examples")
    return among + first, right[:examples].astype(bool)


def _text(bits: NDArray[np.bool_]) -> str:
    return base64.b64encode(np.packbits(bits).tobytes()).decode("ascii")


def _bits(text: str) -> NDArray[np.uint8]:
    return np.unpackbits(np.frombuffer(_decoded(text), np.uint8))


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"test_hits is not written in base64: {error}") from None


def _bytes(bits: int) -> int:
    return (bits + 7) // 8
