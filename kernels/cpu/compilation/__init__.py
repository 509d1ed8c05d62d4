"""What kernels are compiled for, where they are kept, and whether they can be compiled."""

from kernels.cpu.compilation.folder import KEPT, LAYER, NETWORK
from kernels.cpu.compilation.processor import PROCESSOR
from kernels.cpu.compilation.ready import require, unavailable

__all__ = ["KEPT", "LAYER", "NETWORK", "PROCESSOR", "require", "unavailable"]
