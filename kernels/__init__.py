"""The block-gated linear operation: ``y = act((x * g_in) W + b) * g_out``, computed block by block.

Imports nothing else of this project, so it can be used on its own.
"""

from kernels.operation import BACKENDS, block_linear
from kernels.reference import Activation, GateGrad, activate, gate_blocks

__all__ = ["BACKENDS", "Activation", "GateGrad", "activate", "block_linear", "gate_blocks"]
