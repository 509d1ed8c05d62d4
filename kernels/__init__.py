"""The block-gated linear operation: ``y = act((x * g_in) W + b) * g_out``, computed block by block.

Imports nothing else of this project, so it can be used on its own. What computes is loaded when it is first asked for:
registering the operators loads ``torch._dynamo``, which takes a second that a mere specification should not.
"""

import importlib
from typing import TYPE_CHECKING, Any

from kernels.reference import Activation, GateGrad, activate, gate_blocks

if TYPE_CHECKING:
    from kernels.backend import BACKENDS, prepare
    from kernels.choice import BackendError, use_backend
    from kernels.operation import block_linear

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

_HOMES = {
    "BACKENDS": "kernels.backend",
    "BackendError": "kernels.choice",
    "block_linear": "kernels.operation",
    "prepare": "kernels.backend",
    "use_backend": "kernels.choice",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
