"""One file per named study, found by its file stem; each defines ``STUDY``."""

import importlib
import pkgutil

from core.errors import unknown
from studies.study import Study


def names() -> list[str]:
    """Names of all studies, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def find(name: str) -> Study:
    """Return the study of that name.

    Raises:
        InputError: there is none.
        TypeError: its file defines no ``STUDY``.
    """
    if name not in names():
        raise unknown("study", name, names())
    study = getattr(importlib.import_module(f"studies.catalogue.{name}"), "STUDY", None)
    if not isinstance(study, Study):
        raise TypeError(f"studies/catalogue/{name}.py: defines no STUDY")
    return study
