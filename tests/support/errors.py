"""What bad input and faults of the machine have to look like."""

from typing import Protocol


class Ended(Protocol):
    """A command that has ended."""

    @property
    def code(self) -> int: ...

    @property
    def out(self) -> str: ...

    @property
    def err(self) -> str: ...


def fails_in_one_line(ended: Ended, code: int, *words: str) -> None:
    """The command ended with the code, and with one line on standard error, which holds all these words."""
    assert ended.code == code, (ended.out, ended.err)
    assert ended.err.startswith("error: ")
    assert ended.err.endswith("\n")
    assert ended.err.count("\n") == 1, ended.err
    assert "Traceback" not in ended.out + ended.err
    assert not [word for word in words if word not in ended.err], ended.err
