"""Device code: the fusible activations and the product of two tiles."""

import triton
import triton.language as tl

# The interpreter multiplies the bit patterns of bfloat16 as if they were integers, and says nothing.
INTERPRETED = tl.constexpr(bool(triton.knobs.runtime.interpret))


@triton.jit
def product(a, b, total, precision: tl.constexpr):
    """Add the matrix product of ``a`` and ``b`` to the float32 tile ``total``."""
    if INTERPRETED:
        a = a.to(tl.float32)
        b = b.to(tl.float32)
    return tl.dot(a, b, total, input_precision=precision, out_dtype=tl.float32)


@triton.jit
def activate(z, activation: tl.constexpr):
    """Apply an activation to float32 values."""
    if activation == "relu":
        # Not maximum, which would turn NaN into 0.
        z = tl.where(z <= 0, 0.0, z)
    elif activation == "tanh":
        # The difference cancels near 0, where four terms of the series are exact to float32.
        square = z * z
        series = z * (1 - square * (1 / 3 - square * (2 / 15 - square * (17 / 315))))
        decay = tl.exp(-2 * tl.abs(z))
        size = (1 - decay) / (1 + decay)
        z = tl.where(tl.abs(z) < 0.1, series, tl.where(z < 0, -size, size))
    return z


@triton.jit
def through_activation(gradient, h, activation: tl.constexpr):
    """Turn the gradient of ``h = activation(z)`` into that of ``z``, in float32."""
    if activation == "relu":
        gradient = tl.where(h <= 0, 0.0, gradient)
    elif activation == "tanh":
        gradient = gradient * (1 - h * h)
    return gradient
