"""Named studies: expansion into runs, scheduling, the ledger, aggregation, figures and the report.

In Python, ``studies.load("results/quickstart")`` reads what a study has found, and ``studies.compare`` sets two side by
side; see :mod:`studies.finished`.
"""

from importlib import import_module
from typing import Any

_PUBLIC = ("FinishedStudy", "compare", "load")


def __getattr__(name: str) -> Any:
    # Not imported before they are asked for: to say what commands there are must take no time.
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module("studies.finished"), name)


def __dir__() -> list[str]:
    return sorted((*globals(), *_PUBLIC))
