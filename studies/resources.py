"""Where runs are executed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Resources:
    """Where runs are executed.

    Attributes:
        cpus: how many runs at once on this machine; None for one per processor.
        gpus_per_trial: share of a GPU for each run; 0 trains on the processor.
        address: of a running Ray cluster to join; None starts one on this machine.
    """

    cpus: int | None = None
    gpus_per_trial: float = 0.0
    address: str | None = None
