"""The errors that are one line for the user: bad input, with what would be right, and faults of the machine."""

import difflib
from collections.abc import Iterable


class InputError(ValueError):
    """Input that the user can mend; its message is one line fit to be shown as it is."""


class MachineError(RuntimeError):
    """A fault of the machine and not of the input: its disk, its permissions, its cluster; its message is one line."""


def unknown(kind: str, name: str, known: Iterable[str]) -> InputError:
    """Say that no ``kind`` has this name, with the nearest valid one.

    >>> print(unknown("strategy", "reinforc", ["dense", "reinforce"]))
    unknown strategy 'reinforc': did you mean 'reinforce'? (known: dense, reinforce)
    """
    names = list(known)
    nearest = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    hint = f"did you mean {nearest[0]!r}? " if nearest else ""
    return InputError(f"unknown {kind} {name!r}: {hint}(known: {', '.join(names)})")


def one_line(error: BaseException) -> str:
    """Say what foreign code has raised, even if that cannot say it itself.

    >>> one_line(ValueError("first\\nsecond"))
    'ValueError: first'
    """
    try:
        said = str(error)
    except Exception:
        said = "its message cannot be printed"
    whole = said if said and isinstance(error, InputError) else f"{type(error).__name__}: {said}"
    return whole.splitlines()[0]
