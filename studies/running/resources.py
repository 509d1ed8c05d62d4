"""Where runs are executed."""

import socket
from dataclasses import dataclass

import torch

from core.errors import InputError


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
