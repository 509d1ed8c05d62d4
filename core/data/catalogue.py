"""All datasets by name: those of this package, and those of a user's own that were resolved."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from core.data import own
from core.data.dataset import Dataset, Source
from core.data.embedded import EMBEDDED
from core.data.metric import Metric
from core.data.part import part
from core.data.published.download import cached, fetch
from core.data.published.downloaded import DOWNLOADED
from core.data.published.given import given
from core.data.text import check_sequences
from core.errors import InputError, unknown

SOURCES: Mapping[str, Source] = MappingProxyType({source.name: source for source in (*EMBEDDED, *DOWNLOADED)})


def find(name: str) -> tuple[Source, int]:
    """Return the source named ``NAME`` or ``NAME:EXAMPLES``, and the number of examples asked for.

    Raises:
        InputError: there is no such dataset, or it does not come in that size, or it is a user's own and was not
            resolved.
    """
    if own.is_own(name):
        source = own.given(name)
        return source, source.examples
    stem, colon, size = name.partition(":")
    if stem not in SOURCES:
        raise unknown("dataset", stem, [*SOURCES, *own.installed()])
    source = SOURCES[stem]
    if not colon:
        return source, source.examples
    examples = int(size) if size.isdecimal() and len(size) <= len(str(source.sizes.most)) else 0
    if not source.sizes.has(examples):
        besides = ", without the test split" if source.test_examples else ""
        raise InputError(f"dataset {name!r}: {size!r} is not {source.sizes}{besides}")
    return source, examples


def metric_of(name: str) -> Metric:
    """Return what counts as the error of a prediction on a dataset; data of a user's own need not be there.

    >>> metric_of("digits"), metric_of("kjv:20000"), metric_of("sensors@3f2a91c4d07e")
    ('error', 'bits', 'error')

    Raises:
        InputError: there is no such dataset.
    """
    return own.metric_in(name) if own.is_own(name) else find(name)[0].metric


def canonical(reference: str) -> str:
    """Return the name that records have of what a user names: data of one's own is read, and known by its content.

    Raises:
        InputError: there is no such dataset, or data of one's own cannot be learned from.
    """
    if reference.partition(":")[0] in SOURCES or not own.names_data(reference):
        if not own.is_own(reference):
            find(reference)
        return reference
    return own.resolve(reference)


def check_name(name: str) -> None:
    """Check the name of a dataset in a record; data of a user's own need not be there.

    Raises:
        InputError: there is no such dataset, or it does not come in that size.
    """
    if not own.is_own(name):
        find(name)


def check_positions(name: str, positions: int) -> None:
    """Check that examples of a dataset can have so many positions; data of a user's own has to be there.

    Raises:
        InputError: they are to have more than one, and the dataset is no text, or makes too few sequences.
    """
    if positions > 1:
        source, examples = find(name)
        check_sequences(name, examples, positions, text=source.text)


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
    if source.made_in is None and name != source.name:
        return part(_load(source.name, folder), examples, name)
    files = {} if not source.files else fetch(source) if folder is None else given(source, folder)
    return source.load(examples, files)
