"""One study = one file or one folder, found by its name; its module defines ``STUDY``.

A study whose figures, tables or measurements are its own is a folder that holds all of them: ``STUDY`` in its
``__init__``, ``FIGURES`` and ``TABLES`` in ``report``, and each measurement in a file ``measure_NAME``. A study without
``report``, or without one of the two, shows what studies usually show. The first line of the module's docstring is its
line in ``python -m studies list``.
"""

import ast
import importlib
import pkgutil
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import InputError, unknown

if TYPE_CHECKING:
    # Not otherwise: to name the studies must take no time.
    from studies.design.study import Study
    from studies.report.presentation import Presentation


def names() -> list[str]:
    """Names of all studies, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def line(name: str) -> str:
    """Return what a study is about in one line: the first of its docstring, read without importing it.

    Raises:
        InputError: there is no such study, or its file is not Python.
    """
    _check(name)
    file = next(file for folder in map(Path, __path__) for file in _files(folder, name) if file.is_file())
    try:
        docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    except (SyntaxError, ValueError, OSError) as error:
        raise InputError(f"{file}: cannot be read: {error}") from None
    return (docstring or "").partition("\n")[0]


def find(name: str) -> "Study":
    """Return the study of that name.

    Raises:
        InputError: there is none.
        TypeError: its file defines no ``STUDY``.
    """
    from studies.design.study import Study

    _check(name)
    study = getattr(importlib.import_module(f"{__name__}.{name}"), "STUDY", None)
    if not isinstance(study, Study):
        raise TypeError(f"studies/catalogue/{name}: defines no STUDY")
    return study


def presentation(name: str, *, searched: bool) -> "Presentation":
    """Return what is shown of a study's results.

    Args:
        name: of the study.
        searched: whether its arms were searched, which decides what a study shows that says nothing of its own.

    Raises:
        InputError: there is no such study.
    """
    from studies.report.presentation import Presentation

    _check(name)
    usual = Presentation.usual(searched=searched)
    module = f"{__name__}.{name}"
    if not hasattr(importlib.import_module(module), "__path__") or find_spec(f"{module}.report") is None:
        return usual
    own = importlib.import_module(f"{module}.report")
    return Presentation(getattr(own, "FIGURES", usual.figures), getattr(own, "TABLES", usual.tables))


def _check(name: str) -> None:
    if name not in names():
        raise unknown("study", name, names())


def _files(folder: Path, name: str) -> tuple[Path, Path]:
    """Where in a folder a study of that name can be."""
    return folder / f"{name}.py", folder / name / "__init__.py"
