"""Studies from outside the catalogue: a file or folder of a user's own, and those that installed packages offer."""

import importlib
import os
import sys
import traceback
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from core.errors import InputError, one_line

if TYPE_CHECKING:
    # Not otherwise: to name the studies must take no time.
    from studies.design.study import Study

ENTRY_POINT_GROUP = "gating_studies.studies"
PREFIX = "gating_studies_study"

# The files that this process has been given, by the names of their studies.
_files: dict[str, Path] = {}
# Modules that hold the studies that were made in this process.
_modules: dict[str, ModuleType] = {}


def is_path(text: str) -> bool:
    """Whether a user names a study by where it is.

    >>> is_path("wider.py"), is_path("mine/wider"), is_path("quickstart")
    (True, True, False)
    """
    return text.endswith(".py") or "/" in text or "\\\\" in text


def given(path: Path) -> str:
    """Take a study's file, or its folder with an ``__init__.py``, and return the name that it has from now on.

    Raises:
        InputError: there is no such file, or its name cannot be a study's.
    """
    file = path / "__init__.py" if path.is_dir() else path
    if not file.is_file():
        raise InputError(f"study {path}: there is no such file")
    name = Path(os.path.realpath(path)).stem
    _check_name(name, f"study {path}")
    _modules.pop(name, None)
    _files[name] = Path(os.path.realpath(file))
    return name


def given_itself(name: str, study: "Study") -> str:
    """Take a study that was made in this process, and return the name that it has from now on.

    Raises:
        InputError: the name cannot be a study's.
    """
    _check_name(name, f"study of type {type(study).__name__}")
    _files.pop(name, None)
    _modules[name] = ModuleType(f"{PREFIX}.{name}")
    vars(_modules[name])["STUDY"] = study
    return name


def installed() -> dict[str, EntryPoint]:
    """Return the entry points of installed packages by name."""
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINT_GROUP)}


def names() -> list[str]:
    """Names of the studies that were given or are installed, sorted."""
    return sorted({*_files, *_modules, *installed()})


def file_of(name: str) -> Path | None:
    """Return the file of a study from outside the catalogue, without importing it; None if that cannot be found."""
    if name in _files:
        return _files[name]
    if name in _modules:
        return None
    try:
        spec = find_spec(installed()[name].module)
    except (ImportError, ValueError):
        return None
    return Path(spec.origin) if spec is not None and spec.origin is not None else None


def module_of(name: str) -> ModuleType:
    """Import a study from outside the catalogue.

    Raises:
        InputError: that fails; the message says where.
    """
    if name in _modules:
        return _modules[name]
    if name not in _files:
        entry = installed()[name]
        return imported(entry.module, f"study {name} of {entry.value}")
    file, full = _files[name], f"{PREFIX}.{name}"
    module = sys.modules.get(full)
    if module is None or module.__file__ != str(file):
        folder = [str(file.parent)] if file.name == "__init__.py" else None
        spec = spec_from_file_location(full, file, submodule_search_locations=folder)
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[full] = module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except Exception as error:  # whatever the file does
            del sys.modules[full]
            raise InputError(f"study {file}: {_said(error, file)}") from None
    return module


def imported(module: str, where: str) -> ModuleType:
    """Import a module of a study.

    Raises:
        InputError: that fails; the message says where.
    """
    try:
        return importlib.import_module(module)
    except Exception as error:
        spec = sys.modules.get(module)
        file = Path(spec.__file__) if spec is not None and spec.__file__ else None
        raise InputError(f"{where}: {_said(error, file)}") from None


def study_of(module: ModuleType, where: str) -> "Study":
    """Return the study that a module defines, checked as far as it can be without its runs.

    Raises:
        InputError: it defines none, or not as a study is.
    """
    from studies.design.study import SCALES, Study
    from studies.design.sweep import Sweep

    study = getattr(module, "STUDY", None)
    if not isinstance(study, Study):
        found = "defines no STUDY" if study is None else f"STUDY is of type {type(study).__name__}"
        raise InputError(f"{where}: {found}, expected a studies.design.Study")
    for field in ("question", "source"):
        if not isinstance(getattr(study, field), str) or not getattr(study, field).strip():
            raise InputError(f"{where}: {field} is {getattr(study, field)!r}, expected words")
    scales = dict(study.scales)
    if strange := [scale for scale in scales if scale not in SCALES]:
        raise InputError(f"{where}: there is no scale {strange[0]!r}: they are {', '.join(SCALES)}")
    if "default" not in scales:
        raise InputError(f"{where}: has no scale 'default'")
    for scale, sweep in scales.items():
        if not isinstance(sweep, Sweep):
            raise InputError(f"{where}: scale {scale!r} is of type {type(sweep).__name__}, expected a Sweep")
    return study


def _check_name(name: str, where: str) -> None:
    if not isinstance(name, str) or not name.isidentifier():
        raise InputError(f"{where}: {name!r} cannot be a study's name: write it with letters, digits and _")


def _said(error: Exception, file: Path | None) -> str:
    """Say what importing a study raised, and in which line of its file."""
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {error.msg}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(file)]
    return f"line {lines[-1]}: {one_line(error)}" if lines else one_line(error)
