"""All datasets by name."""

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from core.data.dataset import Dataset, Source
from core.data.embedded import EMBEDDED
from core.errors import InputError, unknown

SOURCES: Mapping[str, Source] = MappingProxyType({source.name: source for source in EMBEDDED})


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
    examples = int(size) if size.isdecimal() else 0
    if examples < 20 * source.classes or examples % source.classes:
        raise InputError(
            f"dataset {name!r}: {size!r} is not a multiple of {source.classes} of at least {20 * source.classes}"
        )
    return source, examples


@lru_cache(maxsize=8)
def load(name: str) -> Dataset:
    """Load a dataset by name; kept in memory, since reading the digits takes longer than a short run.

    Raises:
        InputError: there is no such dataset, or it does not come in that size.
    """
    source, examples = find(name)
    return source.load(examples)
