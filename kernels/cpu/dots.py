"""Products with a transposed tile, ``out[k] += W[k] . d``, without transposing it: a register's worth of k at once."""

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic

from kernels.cpu.microkernel import FLOAT, FLOAT_BYTES, I32, I64, LANES, VECTORS

WIDE = VECTORS * LANES


@intrinsic  # type: ignore[untyped-decorator]
def _add_register_of_dots(_: Any, out: Any, rows: Any, step: Any, d: Any) -> Any:
    """Add to ``LANES`` floats at ``out`` the products of as many rows, ``step`` bytes apart, with ``WIDE`` floats."""
    signature = types.void(*[types.int64] * 4)

    def generate(context: Any, builder: ir.IRBuilder, _signature: Any, arguments: Any) -> Any:
        out, rows, step, d = arguments
        vector = ir.VectorType(FLOAT, LANES)
        name = f"llvm.fma.v{LANES}f32"
        multiply_add = cgutils.get_or_insert_function(builder.module, ir.FunctionType(vector, [vector] * 3), name)

        def pointer(address: ir.Value, number: int) -> ir.Value:
            return builder.inttoptr(builder.add(address, I64(FLOAT_BYTES * LANES * number)), vector.as_pointer())

        def load(address: ir.Value, number: int) -> ir.Value:
            return builder.load(pointer(address, number), align=FLOAT_BYTES)

        factors = [load(d, number) for number in range(VECTORS)]

        def products(row: int) -> ir.Value:
            address = builder.add(rows, builder.mul(step, I64(row)))
            total = ir.Constant(vector, None)
            for number, factor in enumerate(factors):
                total = builder.call(multiply_add, [load(address, number), factor, total])
            return total

        def halved(first: ir.Value, second: ir.Value) -> ir.Value:
            """Add neighbours: the sums of ``first`` fill the lower half, those of ``second`` the upper one."""
            even, odd = (
                builder.shuffle_vector(
                    first, second, ir.Constant(ir.VectorType(I32, LANES), list(range(start, 2 * LANES, 2)))
                )
                for start in (0, 1)
            )
            return builder.fadd(even, odd)

        def sums(first: int, count: int) -> ir.Value:
            if count == 1:
                return products(first)
            return halved(sums(first, count // 2), sums(first + count // 2, count // 2))

        builder.store(builder.fadd(load(out, 0), sums(0, LANES)), pointer(out, 0), align=FLOAT_BYTES)
        return context.get_dummy_value()

    return signature, generate


@njit
def add_dots(out: int, tile: int, d: int, features: int, columns: int) -> None:
    """Add to ``features`` floats at ``out`` the product of the tile ``[features, columns]`` with ``columns`` floats.

    Args:
        out: address of the sums.
        tile: address of the contiguous tile.
        d: address of the factors.
        features: a multiple of ``LANES``.
        columns: a multiple of ``WIDE``.
    """
    step = FLOAT_BYTES * columns
    for feature in range(0, features, LANES):
        for column in range(0, FLOAT_BYTES * columns, FLOAT_BYTES * WIDE):
            _add_register_of_dots(out + FLOAT_BYTES * feature, tile + feature * step + column, step, d + column)
