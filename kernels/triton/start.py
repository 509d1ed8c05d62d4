"""The one place where kernels are launched."""

from collections.abc import Mapping
from typing import Any

from kernels.triton.tuning import Config


def start(kernel: Any, grid: tuple[int, ...], arguments: Mapping[str, Any], config: Config) -> None:
    """Launch a kernel on the current stream of the current device.

    Fusing a product and a sum into one instruction is asked for by name, because the default may change.
    """
    kernel[grid](**arguments, num_warps=config.warps, num_stages=config.stages, enable_fp_fusion=True)
