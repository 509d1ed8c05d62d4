"""What the Triton back end can run."""

from importlib.util import find_spec

import torch
from torch import Tensor

from kernels.reference import GateGrad

DTYPES = (torch.float32, torch.bfloat16, torch.float16)
BLOCK_SIZES = (16, 32, 64, 128)
LARGEST = 2**31 - 1
OLDEST = (8, 0)


def unsupported(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    in_gates: Tensor | None,
    out_gates: Tensor | None,
    gate_grad: GateGrad,
) -> str | None:
    """Why the Triton back end cannot run these arguments of :func:`kernels.block_linear`, or None if it can."""
    if find_spec("triton") is None:
        return "triton is not installed"
    if gate_grad != "open":
        return f"gate_grad={gate_grad!r} computes closed blocks, which triton skips: use gate_grad='open'"
    if weight.dtype not in DTYPES:
        return f"dtype {weight.dtype} is not one of {', '.join(map(str, DTYPES))}"
    return _wrong_device(weight) or _wrong_size(x, weight, in_gates)


def _wrong_device(weight: Tensor) -> str | None:
    import triton

    if triton.knobs.runtime.interpret:
        return None
    if not weight.is_cuda or torch.version.cuda is None:
        return f"the device is {weight.device}, not an NVIDIA GPU"
    capability = torch.cuda.get_device_capability(weight.device)
    return None if capability >= OLDEST else f"the GPU has compute capability {capability}, at least {OLDEST} is needed"


def _wrong_size(x: Tensor, weight: Tensor, in_gates: Tensor | None) -> str | None:
    n_out, n_in, in_size, out_size = weight.shape
    if out_size not in BLOCK_SIZES:
        return f"out_size is {out_size}, not one of {BLOCK_SIZES}"
    if in_size not in BLOCK_SIZES and (n_in > 1 or in_gates is not None):
        return f"in_size is {in_size}, not one of {BLOCK_SIZES}; one ungated input block may have any size"
    rows = x.shape[0]
    of_smallest_tiles = n_out * n_in * (rows // BLOCK_SIZES[0] + 1)
    if max(weight.numel(), x.numel(), rows * n_out * out_size, of_smallest_tiles) > LARGEST:
        return f"a tensor has more than {LARGEST} elements, which 32-bit offsets cannot reach"
    return None
