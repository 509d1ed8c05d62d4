"""The error for bad input, and the sentence that names what was wrong and what would be right."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Input that the user can mend; its message is one line fit to be shown as it is."""


def unknown(kind: str, name: str, known: Iterable[str]) -> InputError:
    """Say that no ``kind`` has this name, with the nearest valid one.

    >>> print(unknown("strategy", "reinforc", ["dense", "reinforce"]))
    unknown strategy 'reinforc': did you mean 'reinforce'? (known: dense, reinforce)
    """
    names = list(known)
    nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    return InputError(f"unknown {kind} {name!r}: {hint}(known: {', '.join(names)})")
