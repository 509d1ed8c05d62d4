"""The CPU back end: kernels compiled by numba that neither read nor compute closed blocks; float32, any block size."""

from kernels.cpu import compilation as _first  # noqa: F401  # sets numba's cache folder before anything is compiled
from kernels.cpu.bound import BoundLinear
from kernels.cpu.fused import FusedLayer, FusedNetwork
from kernels.cpu.launch import backward, forward, prepare, saves_hidden, unsupported
from kernels.cpu.sgd import backward_and_step
from kernels.cpu.threads import set_threads

__all__ = [
    "BoundLinear",
    "FusedLayer",
    "FusedNetwork",
    "backward",
    "backward_and_step",
    "forward",
    "prepare",
    "saves_hidden",
    "set_threads",
    "unsupported",
]
