"""Measurements of a trained network, by name: each is a file ``measure_NAME.py`` with a function ``measure``.

It lies in the folder of its study, or in ``studies/timing`` if several studies take it. A sweep names those that it
needs. What ``measure`` returns is plain data for JSON, and stands in the run's record under ``measured`` and the
measurement's name.
"""

import importlib
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.errors import InputError, unknown

if TYPE_CHECKING:
    # Not otherwise, since it loads the networks, which no specification needs.
    from core.training.trained_network import TrainedNetwork

    Measure = Callable[[TrainedNetwork], dict[str, Any]]

_PREFIX = "measure_"


def names() -> list[str]:
    """Names of all measurements, sorted."""
    return sorted(_modules())


def check(name: str) -> None:
    """Check that there is a measurement of that name, without importing it.

    Raises:
        InputError: there is none.
    """
    if name not in _modules():
        raise unknown("measurement", name, names())


def source(name: str) -> Path:
    """Return the file of the measurement of that name.

    Raises:
        InputError: there is none.
    """
    check(name)
    spec = find_spec(_modules()[name])
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin)


def find(name: str) -> "Measure":
    """Return the measurement of that name.

    Raises:
        InputError: there is none.
    """
    check(name)
    measure: Measure = importlib.import_module(_modules()[name]).measure
    return measure


def _modules() -> Mapping[str, str]:
    """The module of each measurement by its name.

    Raises:
        InputError: two have the same name.
    """
    found: dict[str, str] = {}
    rooms = {"studies.timing": "", "studies.catalogue": "*/"}
    for room, folder in rooms.items():
        spec = find_spec(room)
        for place in map(Path, (spec and spec.submodule_search_locations) or ()):
            for file in sorted(place.glob(f"{folder}{_PREFIX}*.py")):
                name = file.stem.removeprefix(_PREFIX)
                module = ".".join((room, *file.relative_to(place).with_suffix("").parts))
                if name in found:
                    raise InputError(f"measurement {name!r}: both {found[name]} and {module} define it; rename one")
                found[name] = module
    return found
