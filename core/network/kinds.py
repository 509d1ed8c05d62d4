"""From the shape of a network to the network: each kind is the file of that name."""

import importlib
from functools import cache

from core.architecture import Architecture
from core.network.network import GatedNetwork


def build_network(architecture: Architecture, *, recurrent: bool = False) -> GatedNetwork:
    """Return the network of that shape, uninitialised.

    Args:
        architecture: its shape.
        recurrent: let a pass carry on from an earlier one; of kinds that support passes.
    """
    return _network(architecture.kind)(architecture, recurrent=recurrent)


@cache
def _network(kind: str) -> type[GatedNetwork]:
    held = vars(importlib.import_module(f"core.network.{kind}")).values()
    (found,) = (
        each for each in held if isinstance(each, type) and issubclass(each, GatedNetwork) and each is not GatedNetwork
    )
    return found
