"""Device code: where tiles end."""

import triton
import triton.language as tl


@triton.jit
def inside(feature, block, size: tl.constexpr, tile: tl.constexpr, width):
    """Whether a feature belongs to its block of ``size``, which tiles of ``tile`` cover, and to the ``width`` of all.

    Only what is cut into whole tiles has a last block that the width cuts short.
    """
    limit = width
    if size % tile != 0:
        limit = (block + 1) * size
    return feature < limit
