"""The block-gated linear operation: ``y = act((x * g_in) W + b) * g_out``, computed block by block.

Imports nothing else of this project, so it can be used on its own.
"""

from kernels.backend import BACKENDS, prepare
from kernels.choice import BackendError, use_backend
from kernels.operation import block_linear
from kernels.reference import Activation, GateGrad, activate, gate_blocks

__all__ = [
    "BACKENDS",
    "Activation",
    "BackendError",
    "GateGrad",
    "activate",
    "block_linear",
    "gate_blocks",
    "prepare",
    "use_backend",
]
