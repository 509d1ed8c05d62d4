"""All datasets by name."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from core.data.dataset import Dataset, Source
from core.data.download import cached, fetch
from core.data.downloaded import DOWNLOADED
from core.data.embedded import EMBEDDED
from core.data.given import given
from core.errors import InputError, unknown

# What a sized dataset may have; ten million examples of mnist1d take 1.6 GB.
MOST_EXAMPLES = 10_000_000
SOURCES: Mapping[str, Source] = MappingProxyType({source.name: source for source in (*EMBEDDED, *DOWNLOADED)})


def find(name: str) -> tuple[Source, int]:
    """Return the source named ``NAME`` or ``NAME:EXAMPLES``, and the number of examples asked for.

    Raises:
        InputError: there is no such dataset, or it does not come in that size.
    """
    stem, colon, size = name.partition(":")
    if stem not in SOURCES:
        raise unknown("dataset", stem, SOURCES)
    source = SOURCES[stem]
    if not colon:
        return source, source.examples
    if not source.sized:
        raise InputError(f"dataset {name!r}: {stem} has {source.examples} examples and no other size; write {stem!r}")
    examples = int(size) if size.isdecimal() and len(size) <= len(str(MOST_EXAMPLES)) else 0
    least = 20 * source.classes
    if not least <= examples <= MOST_EXAMPLES or examples % source.classes:
        raise InputError(
            f"dataset {name!r}: {size!r} is not a multiple of {source.classes} in {least}..{MOST_EXAMPLES}"
        )
    return source, examples


def load(name: str, folder: Path | None = None) -> Dataset:
    """Load a dataset by name; kept in memory, since reading the digits takes longer than a short run.

    Args:
        name: ``NAME`` or ``NAME:EXAMPLES``.
        folder: where the files of a dataset that is not embedded are; None downloads those that the cache lacks.

    Raises:
        InputError: there is no such dataset, it does not come in that size, or its files are missing, damaged or out
            of reach.
    """
    source, _ = find(name)
    return _load(name, folder.resolve() if folder is not None and source.files else None)


def load_if_there(name: str, folder: Path | None = None) -> Dataset | None:
    """Load a dataset, but return None if it would have to be downloaded first.

    Raises:
        InputError: as ``load``.
    """
    source, _ = find(name)
    if folder is None and source.files:
        folder = cached(source)
        if folder is None:
            return None
    return load(name, folder)


# All that can be downloaded takes 0.7 GB together, as bytes.
@lru_cache(maxsize=8)
def _load(name: str, folder: Path | None) -> Dataset:
    source, examples = find(name)
    files = {} if not source.files else fetch(source) if folder is None else given(source, folder)
    return source.load(examples, files)
