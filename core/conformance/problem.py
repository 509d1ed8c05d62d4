"""What a check finds."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One way in which a strategy breaks the protocol, or in which it may not learn as it was meant to."""

    check: str
    network: str
    message: str

    def __str__(self) -> str:
        return f"{self.check} (network {self.network}): {self.message}"
