"""One study = one file or one folder, found by its name; its module defines ``STUDY``.

A study whose figures, tables or measurements are its own is a folder that holds all of them: ``STUDY`` in its
``__init__``, ``FIGURES`` and ``TABLES`` in ``report``, and each measurement in a file ``measure_NAME``. A study without
``report``, or without one of the two, shows what studies usually show. The first line of the module's docstring is its
line in ``python -m studies list``. Beside those of this folder stand the studies that installed packages offer, and a
user's own, once their files were given to :func:`named`.
"""

import ast
import pkgutil
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from core.errors import InputError, unknown
from studies.own import study as own_study

if TYPE_CHECKING:
    # Not otherwise: to name the studies must take no time.
    from studies.design.study import Study
    from studies.report.presentation import Presentation


def built_in() -> list[str]:
    """Names of the studies of this folder, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def names() -> list[str]:
    """Names of all studies: those of this folder first, each part sorted."""
    own = built_in()
    return [*own, *(name for name in own_study.names() if name not in own)]


def named(text: str) -> str:
    """Return the name of the study that a user names, by its name or by the path of its file or folder.

    Raises:
        InputError: there is no such file, or its name is that of a study of this package.
    """
    if not own_study.is_path(text):
        return text
    name = own_study.given(Path(text))
    if name in built_in():
        raise InputError(f"study {text}: {name} is a study of this package: rename the file")
    return name


def given(name: str, study: "Study") -> str:
    """Take a study that was made in this process, under a name that it has here from now on; return the name.

    Raises:
        InputError: the name cannot be a study's, or is that of a study of this package.
    """
    if name in built_in():
        raise InputError(f"study {name}: is a study of this package: choose another name")
    return own_study.given_itself(name, study)


def line(name: str) -> str:
    """Return what a study is about in one line: the first of its docstring, read without importing it.

    Raises:
        InputError: there is no such study, or its file is not Python.
    """
    _check(name)
    if name in built_in():
        file = next(file for folder in map(Path, __path__) for file in _files(folder, name) if file.is_file())
    else:
        found = own_study.file_of(name)
        if found is None:
            raise InputError(f"study {name}: its module is not there")
        file = found
    try:
        docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
    except (SyntaxError, ValueError, OSError) as error:
        raise InputError(f"{file}: cannot be read: {error}") from None
    return (docstring or "").partition("\n")[0]


def find(name: str) -> "Study":
    """Return the study of that name.

    Raises:
        InputError: there is none, its file cannot be imported, or defines no study.
    """
    _check(name)
    return own_study.study_of(_module(name), f"study {name}")


def presentation(name: str, *, searched: bool) -> "Presentation":
    """Return what is shown of a study's results.

    Args:
        name: of the study.
        searched: whether its arms were searched, which decides what a study shows that says nothing of its own.

    Raises:
        InputError: there is no such study, or what it shows cannot be imported.
    """
    from studies.report.presentation import Presentation

    _check(name)
    usual = Presentation.usual(searched=searched)
    module = _module(name)
    report = f"{module.__name__}.report"
    if not hasattr(module, "__path__") or find_spec(report) is None:
        return usual
    own = own_study.imported(report, f"study {name}, its report")
    return Presentation(getattr(own, "FIGURES", usual.figures), getattr(own, "TABLES", usual.tables))


def _module(name: str) -> ModuleType:
    if name in built_in():
        return own_study.imported(f"{__name__}.{name}", f"study {name}")
    return own_study.module_of(name)


def _check(name: str) -> None:
    if name not in names():
        raise InputError(f"{unknown('study', name, names())}; one of your own is named by its file: {name}.py")


def _files(folder: Path, name: str) -> tuple[Path, Path]:
    """Where in a folder a study of that name can be."""
    return folder / f"{name}.py", folder / name / "__init__.py"
