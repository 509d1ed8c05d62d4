"""One file per measurement of a trained network, found by its file stem; each defines ``measure``.

A study names those that it needs. What ``measure`` returns is plain data for JSON, and stands in the run's record under
``measured`` and the measurement's name.
"""

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any

from core.errors import unknown
from studies.measurements.subject import Subject

Measure = Callable[[Subject], dict[str, Any]]


def names() -> list[str]:
    """Names of all measurements, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name != "subject")


def find(name: str) -> Measure:
    """Return the measurement of that name.

    Raises:
        InputError: there is none.
    """
    if name not in names():
        raise unknown("measurement", name, names())
    measure: Measure = importlib.import_module(f"{__name__}.{name}").measure
    return measure
