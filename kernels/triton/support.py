"""What the Triton back end can run."""

import math
from importlib.util import find_spec

import torch

from kernels.backend import Call
from kernels.reference import Activation

DTYPES = (torch.float32, torch.bfloat16, torch.float16)
# What products are made of. Blocks of these sizes are one tile; others are cut into tiles of at most 64, the size whose
# times were measured.
TILES = (16, 32, 64, 128)
WIDEST_CUT = 64
LARGEST = 2**31 - 1
# The second axis of a CUDA grid has no more.
MOST_PROGRAMS = 2**16 - 1
OLDEST = (8, 0)


def unsupported(call: Call) -> str | None:
    """Why the Triton back end cannot run a call of :func:`kernels.block_linear`, or None if it can."""
    if find_spec("triton") is None:
        return "triton is not installed"
    if call.gate_grad != "open":
        return f"gate_grad={call.gate_grad!r} computes closed blocks, which triton skips: use gate_grad='open'"
    if call.dtype not in DTYPES:
        return f"dtype {call.dtype} is not one of {', '.join(map(str, DTYPES))}"
    return _wrong_device(call.device) or _wrong_size(call)


def saves_hidden(dtype: torch.dtype, activation: Activation, *, out_gated: bool) -> bool:
    """Whether the backward pass needs the activation before its gates; ``1 - tanh^2`` of a rounded one is noise."""
    return out_gated and activation == "tanh" and dtype != torch.float32


def tile_of(size: int) -> int:
    """How many features of a block of ``size`` one program computes: a power of two, at least 16."""
    return size if size in TILES else next((tile for tile in TILES if size <= tile <= WIDEST_CUT), WIDEST_CUT)


def _wrong_device(device: str) -> str | None:
    import triton

    if triton.knobs.runtime.interpret:
        return None
    if device != "cuda" or torch.version.cuda is None:
        return f"the device is {device}, not an NVIDIA GPU"
    capability = torch.cuda.get_device_capability()
    return None if capability >= OLDEST else f"the GPU has compute capability {capability}, at least {OLDEST} is needed"


def _wrong_size(call: Call) -> str | None:
    n_out, n_in, _, out_size = call.weight
    # A program for each tile of the outputs, and in the plan for each 64 input gates.
    programs = max(n_out * -(-out_size // tile_of(out_size)), -(-n_in // 64) if call.in_gated else 0)
    if programs > MOST_PROGRAMS:
        return f"the blocks take {programs} programs along an axis of a grid, which has room for {MOST_PROGRAMS}"
    if math.prod(call.weight) > LARGEST:
        return f"the weight has more than {LARGEST} elements, which 32-bit offsets cannot reach"
    return None


def check_rows(rows: int, weight: tuple[int, ...]) -> None:
    """Refuse a batch that 32-bit offsets cannot reach.

    Raises:
        ValueError: ``rows`` rows of the input or the result have too many elements.
    """
    n_out, n_in, in_size, out_size = weight
    of_smallest_tiles = n_out * n_in * (rows // TILES[0] + 1)
    if max(rows * n_in * in_size, rows * n_out * out_size, of_smallest_tiles) > LARGEST:
        raise ValueError(
            f"{rows} rows have more than {LARGEST} elements, which 32-bit offsets cannot reach: split them"
        )
