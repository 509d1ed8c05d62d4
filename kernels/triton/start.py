"""The one place where kernels are launched."""

from typing import Any, NamedTuple

import torch
import triton
from torch import Tensor

ALIGNMENT = 16


class Config(NamedTuple):
    """How one kernel is cut up: rows of a tile, columns or rows of a step, warps, and stages of its pipeline."""

    size: int
    warps: int = 4
    stages: int = 3


class Launch:
    """A kernel with all that its launches share: everything but the tensors, whose dtypes are always the same.

    Triton's own way looks some thirty arguments up by name at each launch, which took the host of an H100 45
    microseconds. What it has compiled is called with them in order instead.

    Args:
        kernel: a Triton kernel.
        grid: of programs.
        config: warps and stages.
        constants: all arguments but the tensors, by name.
    """

    def __init__(self, kernel: Any, grid: tuple[int, ...], config: Config, **constants: Any) -> None:
        self._kernel, self._grid, self._config, self._constants = kernel, grid, config, constants
        self._values = [constants.get(name) for name in kernel.arg_names]
        self._places = [(place, name) for place, name in enumerate(kernel.arg_names) if name not in constants]
        # A kernel is loaded on each device for itself.
        self._compiled: dict[int, Any] = {}

    def __call__(self, **tensors: Tensor | None) -> None:
        """Launch it on the current stream of the current device; None for a tensor that the kernel does not read."""
        # Asked no more once there is something compiled, since this stands before every launch.
        if not self._compiled and (triton.knobs.runtime.interpret or not torch.cuda.is_available()):
            self._by_triton(tensors)
            return
        values = self._values.copy()
        aligned = True
        for place, name in self._places:
            tensor = values[place] = tensors[name]
            aligned = aligned and (tensor is None or tensor.data_ptr() % ALIGNMENT == 0)
        if not aligned:
            # Triton compiles it for these once more.
            self._by_triton(tensors)
            return
        device = torch.cuda.current_device()
        compiled = self._compiled.get(device)
        if compiled is None:
            self._compiled[device] = self._by_triton(tensors)[(*self._grid, 1, 1)[:3]]
        else:
            compiled(*values)

    def _by_triton(self, tensors: dict[str, Tensor | None]) -> Any:
        # Fusing a product and a sum into one instruction is asked for by name, because the default may change.
        options = {"num_warps": self._config.warps, "num_stages": self._config.stages, "enable_fp_fusion": True}
        return self._kernel[self._grid](**tensors, **self._constants, **options)
