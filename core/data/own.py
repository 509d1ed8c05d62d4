"""Data of a user's own: a file, a function, or an entry point of an installed package; known by what it holds."""

import importlib
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

import numpy as np

from core.data import text
from core.data.dataset import Dataset, Source
from core.data.holding import dataset_of
from core.data.metric import Metric
from core.data.part import part
from core.errors import InputError, one_line

ENTRY_POINT_GROUP = "gating_studies.datasets"
SUFFIX, TEXT_SUFFIX = ".npz", ".txt"

# What is measured in bits says so, so that whoever reads a name knows what an error of it is.
_NAME = re.compile(r"[\w.-]+@[0-9a-f]{12}(-bits)?")
# Those that this process has been given, by the names that records have.
_given: dict[str, Source] = {}


def is_own(name: str) -> bool:
    """Whether a name is one that :func:`resolve` makes.

    >>> is_own("sensors@3f2a91c4d07e"), is_own("diary@3f2a91c4d07e-bits"), is_own("mnist1d:5000")
    (True, True, False)
    """
    return _NAME.fullmatch(name) is not None


def metric_in(name: str) -> Metric:
    """Return the metric of data of a user's own, which its name tells.

    >>> metric_in("diary@3f2a91c4d07e-bits")
    'bits'
    """
    return "bits" if name.endswith("-bits") else "error"


def installed() -> dict[str, EntryPoint]:
    """Return the entry points of installed packages by name."""
    return {entry.name: entry for entry in entry_points(group=ENTRY_POINT_GROUP)}


def package_of(entry: EntryPoint) -> str:
    """Return the name of the installed package that offers an entry point."""
    return entry.dist.name if entry.dist is not None else entry.value


def names_data(reference: str) -> bool:
    """Whether a reference is to a file, a function or an entry point, and not to a dataset of this package.

    >>> names_data("data/sensors.npz"), names_data("diary.txt:5000"), names_data("my_lab.data:sensors")
    (True, True, True)
    >>> names_data("mnist1d:5000")
    False
    """
    return _is_archive(reference) or _is_text(reference) or _is_function(reference) or reference in installed()


def resolve(reference: str) -> str:
    """Load data of a user's own, and return the name that it has from now on in this process, ``NAME@HASH``.

    Args:
        reference: the path of an ``.npz`` file with ``x``, ``y`` and perhaps ``test_examples`` and ``metric``; or of a
            ``.txt`` file; either perhaps with ``:EXAMPLES`` behind it; or ``package.module:function``, which returns
            what the first holds, or a :class:`core.data.Dataset`; or an entry point's name.

    Raises:
        InputError: it cannot be read, or what it holds cannot be learned from.
    """
    held: Any
    if _is_archive(reference):
        held, stem, origin = _read_archive(reference), Path(_path_of(reference)).stem, reference
    elif _is_text(reference):
        held, stem, origin = _read_text(reference), Path(_path_of(reference)).name, reference
    elif _is_function(reference):
        function = _function(reference)
        held, stem, origin = _called(function, reference), reference.partition(":")[2], reference
    else:
        entry = installed()[reference]
        held, stem, origin = _called(_loaded(entry), reference), reference, f"package {package_of(entry)}"
    dataset = dataset_of(held, re.sub(r"[^\w.-]+", "_", stem), f"dataset {reference}")
    _given[dataset.name] = Source(
        dataset.name,
        "data of your own",
        origin,
        len(dataset.y),
        dataset.features,
        dataset.classes,
        made_in=None,
        load=lambda examples, files: dataset,
        metric=dataset.metric,
        text=bool(dataset.alphabet),
    )
    return dataset.name


def given(name: str) -> Source:
    """Return the source of data that this process has resolved, or that an installed package offers.

    Raises:
        InputError: there is none; records name what was learned from, and do not hold it.
    """
    if name in _given:
        return _given[name]
    stem = name.partition("@")[0]
    if stem not in installed():
        raise InputError(f"dataset {name!r}: is data of your own; name where it is again: --dataset FILE")
    if (found := resolve(stem)) != name:
        raise InputError(f"dataset {name!r}: package {package_of(installed()[stem])} has other data today: {found}")
    return _given[name]


def _is_archive(reference: str) -> bool:
    return _path_of(reference).endswith(SUFFIX)


def _is_text(reference: str) -> bool:
    return _path_of(reference).endswith(TEXT_SUFFIX)


def _path_of(reference: str) -> str:
    """Return the path in ``PATH`` or ``PATH:NUMBER``."""
    path, _, number = reference.rpartition(":")
    suffixes = SUFFIX, TEXT_SUFFIX
    return path if path.endswith(suffixes) and not number.endswith(suffixes) else reference


def _is_function(reference: str) -> bool:
    module, colon, function = reference.partition(":")
    return bool(colon) and function.isidentifier() and all(part.isidentifier() for part in module.split("."))


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise InputError(f"dataset {path}: there is no such file") from None
    except OSError as error:
        raise InputError(f"dataset {path}: cannot be read: {error.strerror or error}") from None


def _read_archive(reference: str) -> Any:
    path = _path_of(reference)
    held = _read(Path(path))
    if reference == path:
        return held
    whole = dataset_of(held, "", f"dataset {path}")
    number = reference.rpartition(":")[2]
    there = len(whole.y) - whole.test_examples
    examples = int(number) if number.isdecimal() and len(number) <= len(str(there)) else 0
    if not 1 <= examples <= there:
        raise InputError(
            f"dataset {reference}: {number!r} is not a number in 1..{there}, as many as it has to learn from"
        )
    return part(whole, examples, reference)


def _read(path: Path) -> dict[str, Any]:
    try:
        with _reading(path), path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if isinstance(archive, np.ndarray):
                raise InputError(f"dataset {path}: holds one array, expected an archive with x and y: numpy.savez")
            return {name: archive[name] for name in archive}
    except InputError:
        raise
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"dataset {path}: is no archive of plain arrays: {one_line(error)}") from None


def _read_text(reference: str) -> Dataset:
    path = Path(_path_of(reference))
    try:
        with _reading(path):
            letters = text.letters_of(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(f"dataset {path}: is no text in UTF-8: {error}") from None
    if reference == _path_of(reference):
        return text.windows(letters, str(path), min(text.DEFAULT, text.most_windows(letters)))
    number = reference.rpartition(":")[2]
    if not number.isdecimal() or len(number) > 9:
        raise InputError(f"dataset {reference}: {number!r} is no number of windows, such as {path}:{text.DEFAULT}")
    return text.windows(letters, str(path), int(number))


def _function(reference: str) -> Callable[[], Any]:
    module, _, name = reference.partition(":")
    try:
        found = getattr(importlib.import_module(module), name)
    except Exception as error:  # whatever the module does when it is imported
        raise InputError(f"dataset {reference}: cannot be imported: {one_line(error)}") from None
    return _callable(found, reference)


def _loaded(entry: EntryPoint) -> Callable[[], Any]:
    try:
        found = entry.load()
    except Exception as error:
        raise InputError(f"dataset {entry.name}: {entry.value} cannot be imported: {one_line(error)}") from None
    return _callable(found, entry.name)


def _callable(found: Any, reference: str) -> Callable[[], Any]:
    if not callable(found):
        raise InputError(
            f"dataset {reference}: is of type {type(found).__name__}, expected a function that returns x and y"
        )
    return found  # type: ignore[no-any-return]


def _called(function: Callable[[], Any], reference: str) -> Any:
    try:
        return function()
    except Exception as error:
        raise InputError(f"dataset {reference}: raises {one_line(error)}") from None
