"""How a record holds which examples of a dataset it was tested on, as text: a bit for each.

``examples`` is how many test examples there were. ``among`` has a bit for every example of the dataset from ``first``,
the first test example, to the last one: whether it is a test example. Bits are packed eight to a byte, the first one
highest, padded with zeros, and written in base64.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def packed_indices(indices: Sequence[int], values: int) -> tuple[NDArray[np.int64], dict[str, Any]]:
    """Return the order of test examples in the dataset, and the fields that say which they are.

    The examples 5, 7 and 8 are 1011 from 5 on; padded with zeros that is 176:

    >>> order, field = packed_indices([8, 5, 7], 3)
    >>> order.tolist(), field
    ([1, 2, 0], {'examples': 3, 'first': 5, 'among': 'sA=='})

    Args:
        indices: [N], which examples of the dataset were tested, in any order.
        values: how many values are to be held of them.

    Raises:
        ValueError: there are not as many of both, or none, or an example twice.
    """
    places = np.asarray(indices, dtype=np.int64)
    order = np.argsort(places)
    first = int(places[order[0]]) if len(places) else 0
    among = np.bincount(places - first) if len(places) else np.zeros(0, np.int64)
    if not len(places) or len(places) != values or among.max() > 1:
        raise ValueError(f"{values} values are not of {len(places)} examples, one each")
    return order, {"examples": len(places), "first": first, "among": text_of(among > 0)}


def unpacked_indices(field: Mapping[str, Any]) -> NDArray[np.int64]:
    """Return [N], which examples of the dataset were tested, in its order.

    Raises:
        ValueError: the fields are not what :func:`packed_indices` makes.
    """
    examples, first = field["examples"], field["first"]
    among = np.flatnonzero(bits_of(field["among"]))
    if len(among) != examples or among[0] or bytes_for(int(among[-1]) + 1) != len(decoded(field["among"])):
        raise ValueError(f"it names {len(among)} test examples from example {first} on, not {examples}")
    indices: NDArray[np.int64] = among + first
    return indices


def text_of(bits: NDArray[np.bool_]) -> str:
    """Return bits as text."""
    return base64.b64encode(np.packbits(bits).tobytes()).decode("ascii")


def bits_of(text: str) -> NDArray[np.uint8]:
    """Return the bits that a text holds, with the zeros that fill its last byte."""
    return np.unpackbits(np.frombuffer(decoded(text), np.uint8))


def decoded(text: str) -> bytes:
    """Return the bytes that a text holds.

    Raises:
        ValueError: it is not written in base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"it is not written in base64: {error}") from None


def bytes_for(bits: int) -> int:
    """Return how many bytes hold so many bits."""
    return (bits + 7) // 8
