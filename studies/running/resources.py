"""Where runs are executed, and what each may take."""

import os
import socket
from dataclasses import dataclass

import psutil
import torch

from core.errors import InputError
from studies.running.child import Limits

# The rest is for the driver, Ray and the system.
SHARE_OF_MEMORY = 0.9
# A process that has imported torch holds a third of this before it does anything.
LEAST_MEMORY = 2_000_000_000


@dataclass(frozen=True)
class Resources:
    """Where runs are executed, and what each may take.

    Attributes:
        cpus: how many runs at once on this machine; None for one per processor.
        gpus_per_trial: share of a GPU for each run; 0 trains on the processor.
        address: of a running Ray cluster to join; None starts one on this machine.
        time_limit: seconds that a run may take; None ends only one that makes no progress.
        memory_limit: bytes of memory that a run may take; None is this machine's memory shared among the runs at once,
            at least 2 GB, and no limit on a cluster.
    """

    cpus: int | None = None
    gpus_per_trial: float = 0.0
    address: str | None = None
    time_limit: float | None = None
    memory_limit: int | None = None

    def limits(self) -> Limits:
        """Return what a single run may take."""
        most = self.memory_limit
        if most is None and self.address is None:
            share = SHARE_OF_MEMORY * psutil.virtual_memory().total / (self.cpus or os.cpu_count() or 1)
            most = max(LEAST_MEMORY, int(share))
        return Limits(self.time_limit, most)

    def check(self) -> None:
        """Fail within seconds where these resources cannot be had; Ray itself waits for many minutes.

        Raises:
            InputError: nothing listens at ``address``, or a GPU is asked for on a machine without one.
        """
        if self.address is None:
            if self.gpus_per_trial and not torch.cuda.is_available():
                asked = f"--gpus-per-trial {self.gpus_per_trial:g}"
                raise InputError(f"{asked}: this machine has no GPU that torch can use; leave it out")
            return
        host, _, port = self.address.removeprefix("ray://").rpartition(":")
        if not host or not port.isdecimal():
            return
        try:
            socket.create_connection((host, int(port)), timeout=10).close()
        except (OSError, OverflowError) as error:
            raise InputError(f"--address {self.address}: nothing answers there ({error})") from None
