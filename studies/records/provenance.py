"""Who made a record: the code, the versions of what it stands on, and the host."""

import ast
import hashlib
import platform
import socket
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import strategies
from core.errors import InputError
from studies.design import measurements
from studies.design.configuration import Configuration
from studies.records.environment import installed, processor

# What trains and evaluates every run. Conformance is left out: it judges strategies and runs nothing of a study.
_SHARED: Final = ("kernels", "core", "strategies/__init__.py", "studies/running/trial.py")
_NOT_SHARED: Final = "core/conformance/"
# Whose versions can change a number.
_PACKAGES: Final = ("torch", "numpy", "scipy", "scikit-learn", "numba", "llvmlite", "triton", "mlxtend", "mnist1d")


def code_of(configuration: Configuration, plugins: tuple[strategies.Plugin, ...] = ()) -> dict[str, str]:
    """Return hashes of the sources that decide what a run comes to, each by what it is the source of.

    ``suite`` is what all runs share: kernels, core, and the trial; ``strategy`` the strategy's own source, with every
    module of its package or beside its file where it comes from outside; ``measurements`` those that the run asks for,
    with all of ``studies`` that they import. Documentation, figures, statistics and the report are in none.

    Each is read once in a process, which has loaded it by then or is about to: it does not run what is edited later.

    Raises:
        InputError: the strategy is unknown.
    """
    code = {"suite": _shared(), "strategy": _of_strategy(configuration.strategy, plugins)}
    if configuration.measurements:
        code["measurements"] = _of_measurements(configuration.measurements)
    return code


def of(configuration: Configuration, plugins: tuple[strategies.Plugin, ...], device: str) -> dict[str, Any]:
    """Return what a record says of its making, as this process has it: ``code``, ``versions`` and ``host``."""
    return {"code": code_of(configuration, plugins), "versions": dict(versions()), "host": host(device)}


@cache
def versions() -> Mapping[str, str]:
    """Return the versions of Python and of each package that can change a number."""
    found = {package: installed(package) for package in _PACKAGES}
    return {"python": platform.python_version(), **{name: version for name, version in found.items() if version}}


def host(device: str) -> dict[str, str]:
    """Return the name of this machine, its processor and system, and what the run was computed on."""
    # Imported here: the driver of a cluster need not load it.
    import torch

    gpu = torch.cuda.get_device_name() if device.startswith("cuda") else ""
    return {
        "name": socket.gethostname(),
        "processor": processor(),
        "system": platform.platform(),
        "device": gpu or "cpu",
    }


def differences(record: Mapping[str, Any], code: Mapping[str, str]) -> list[str]:
    """Return which parts of the code of a record are not today's; of a record without code, that it has none.

    >>> differences({"code": {"suite": "a", "strategy": "b"}}, {"suite": "a", "strategy": "c"})
    ['strategy']
    """
    made_by = record.get("code")
    if made_by is None:
        return ["unrecorded"]
    return [part for part in code if made_by.get(part) != code[part]]


@cache
def _of_strategy(name: str, plugins: tuple[strategies.Plugin, ...]) -> str:
    return strategies.code_hash(name, plugins)


@cache
def _shared() -> str:
    files: dict[str, Path] = {}
    for entry in _SHARED:
        # Each from where its package is: on the workers of a cluster that is a folder of its own.
        package, _, rest = entry.partition("/")
        root = _folder(package)
        place = root / rest
        found = [place] if place.is_file() else place.rglob("*.py")
        files |= {f"{package}/{file.relative_to(root).as_posix()}": file for file in found}
    return _hash_of({name: file for name, file in files.items() if not name.startswith(_NOT_SHARED)})


@cache
def _of_measurements(names: tuple[str, ...]) -> str:
    files = {file for name in names for file in _measuring(name)}
    root = _folder("studies")
    return _hash_of(
        {file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name: file for file in files}
    )


def _measuring(name: str) -> Sequence[Path]:
    """Return the file of a measurement, and of all modules of ``studies`` that it imports, directly or through others.

    Raises:
        InputError: there is no such measurement, or a file cannot be read.
    """
    found = [measurements.source(name)]
    for file in found:
        for module in _imported(_content(file)):
            other = _file_in_studies(module)
            if other is not None and other not in found:
                found.append(other)
    return found


def _imported(source: bytes) -> Iterator[str]:
    """Give the names that a source imports, each with the module that it is from."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _file_in_studies(name: str) -> Path | None:
    """Return the file of ``studies`` that is a module, or has something of that name; None if there is none."""
    while name.startswith("studies."):
        place = _folder("studies").joinpath(*name.split(".")[1:])
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.is_file():
                return file
        name = name.rpartition(".")[0]
    return None


@cache
def _folder(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).resolve().parent


def _hash_of(files: Mapping[str, Path]) -> str:
    """Return 16 hexadecimal digits over the names and contents of files.

    Raises:
        InputError: one cannot be read.
    """
    digest = hashlib.sha256()
    for name, file in sorted(files.items()):
        content = _content(file)
        digest.update(f"{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()[:16]


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: cannot be read: {error.strerror}") from None
