"""All kinds of networks by name: one file each, beside this one."""

import importlib
import pkgutil
from functools import cache
from pathlib import Path

from core.architecture.architecture import Architecture
from core.errors import unknown

_NO_KINDS = ("architecture", "kinds")
# A network without a kind before it is fully connected.
_DEFAULT = "fully_connected"


def kinds() -> list[str]:
    """Return the names of all kinds of networks."""
    found = (module.name for module in pkgutil.iter_modules([str(Path(__file__).parent)]))
    return sorted(name for name in found if name not in _NO_KINDS)


def split_kind(network: str) -> tuple[type[Architecture], str]:
    """Return the kind of a network as a user writes it, and what is said of its shape.

    Raises:
        InputError: there is no such kind.

    >>> split_kind("16x64")
    (<class 'core.architecture.fully_connected.FullyConnected'>, '16x64')
    >>> split_kind("transformer:layers=3")
    (<class 'core.architecture.transformer.Transformer'>, 'layers=3')
    """
    kind, colon, shape = network.partition(":")
    if not colon:
        return _architecture(_DEFAULT), network
    named = [name for name in kinds() if name != _DEFAULT]
    if kind not in named:
        raise unknown("kind of network", kind, named)
    return _architecture(kind), shape


@cache
def _architecture(kind: str) -> type[Architecture]:
    held = vars(importlib.import_module(f"core.architecture.{kind}")).values()
    (found,) = (each for each in held if isinstance(each, type) and vars(each).get("kind") == kind)
    return found
