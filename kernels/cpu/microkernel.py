"""The innermost loop, ``C[r] += sum_k A[r, k] B[k]`` for a few rows, with the sums held in vector registers.

Numba's own vectoriser keeps such sums in memory and reaches a third of this, so the loop is emitted as LLVM IR of
vector types. Rows of A and C are given by address, so that gathered rows need no copy.
"""

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from kernels.cpu.compilation import PROCESSOR

Grid = list[list[ir.Value]]

I32, I64, FLOAT = ir.IntType(32), ir.IntType(64), ir.FloatType()
FLOAT_BYTES, ADDRESS_BYTES, LINE_BYTES = 4, 8, 64

LANES, VECTORS = PROCESSOR.lanes, PROCESSOR.vectors

FIRST_LEVEL, SECOND_LEVEL = 3, 2
# Groups of so many rows share the prefetching of the next B with the groups after them.
SHARING_ROWS = 3


@intrinsic  # type: ignore[untyped-decorator]
def prefetch(_: Any, address: Any) -> Any:
    """Ask for the cache line at an address to be brought to the first-level cache."""

    def generate(context: Any, builder: ir.IRBuilder, _signature: Any, arguments: Any) -> Any:
        _fetch(builder, arguments[0], FIRST_LEVEL)
        return context.get_dummy_value()

    return types.void(types.int64), generate


def _fetch(builder: ir.IRBuilder, address: ir.Value, level: int) -> None:
    byte_pointer = ir.IntType(8).as_pointer()
    # Called p0i8 where pointers have types, and p0 where they have none.
    name = f"llvm.prefetch.{byte_pointer.intrinsic_name}"
    function = cgutils.get_or_insert_function(
        builder.module, ir.FunctionType(ir.VoidType(), [byte_pointer, I32, I32, I32]), name
    )
    reading, data = I32(0), I32(1)
    builder.call(function, [builder.inttoptr(address, byte_pointer), reading, I32(level), data])


def accumulator(rows: int, vectors: int, *, interleaved: int = 1, ragged: bool = False) -> Callable[..., None]:
    """Return an intrinsic for numba-compiled code that adds a product to ``rows`` rows of ``vectors * LANES`` floats.

    It is called with eleven int64: the addresses of ``rows`` row addresses of C and of A, a byte offset into the rows
    of A, A's bytes from one k to the next, the address of ``B[0]``, B's bytes from one k to the next, the number of k,
    whether C starts at 0 instead of at what is there, the first column's byte offset in B and C, how many bytes ahead
    of B to prefetch, and how many columns there are, which counts if they are ragged.

    Args:
        rows: of A and C.
        vectors: registers per row.
        interleaved: into how many sums each sum is split. One row alone has too few sums to hide the latency of
            a multiply-add.
        ragged: whether there are fewer columns than fill the registers.
    """

    @intrinsic  # type: ignore[untyped-decorator]
    def accumulate(  # numba wants every argument named
        _: Any,
        c_rows: Any,
        a_rows: Any,
        a_offset: Any,
        a_step: Any,
        b: Any,
        b_step: Any,
        count: Any,
        fresh: Any,
        column: Any,
        ahead: Any,
        columns: Any,
    ) -> Any:
        signature = types.void(*[types.int64] * 11)

        def generate(context: Any, builder: ir.IRBuilder, _signature: Any, arguments: Any) -> Any:
            _Loop(builder, rows, vectors, interleaved, ragged).emit(*arguments)
            return context.get_dummy_value()

        return signature, generate

    return accumulate  # type: ignore[no-any-return]


class _Loop:
    def __init__(self, builder: ir.IRBuilder, rows: int, vectors: int, interleaved: int, ragged: bool) -> None:
        self.builder = builder
        self.rows, self.vectors, self.interleaved, self.ragged = rows, vectors, interleaved, ragged
        self.type = ir.VectorType(FLOAT, LANES)
        self.multiply_add = self._declared(f"llvm.fma.v{LANES}f32", self.type, [self.type] * 3)
        self.zeros: Grid = [[ir.Constant(self.type, None)] * vectors for _ in range(rows)]

    def emit(
        self,
        c_rows: ir.Value,
        a_rows: ir.Value,
        a_offset: ir.Value,
        a_step: ir.Value,
        b: ir.Value,
        b_step: ir.Value,
        count: ir.Value,
        fresh: ir.Value,
        column: ir.Value,
        ahead: ir.Value,
        columns: ir.Value,
    ) -> None:
        builder = self.builder
        if self.ragged:
            self._mask(columns)
        self.a = [builder.add(self._address(a_rows, row), a_offset) for row in range(self.rows)]
        c = [builder.add(self._address(c_rows, row), column) for row in range(self.rows)]
        self.a_step, self.b_step, self.b, self.ahead = a_step, b_step, b, ahead

        before = builder.basic_block
        load, start = (builder.append_basic_block(name) for name in ("load", "start"))
        builder.cbranch(builder.icmp_signed("!=", fresh, I64(0)), start, load)
        builder.position_at_end(load)
        loaded = [self._load_vectors(address) for address in c]
        builder.branch(start)
        builder.position_at_end(start)
        initial = self._phis()
        self._come_from(initial, before, self.zeros)
        self._come_from(initial, load, loaded)

        sums = [initial, *([self.zeros] * (self.interleaved - 1))]
        whole = builder.sub(count, builder.srem(count, I64(self.interleaved)))
        sums, a_at, b_at = self._steps(sums, I64(0), whole, I64(0), builder.add(b, column))
        total = sums[0]
        for other in sums[1:]:
            total = [
                [builder.fadd(x, y) for x, y in zip(*pair, strict=True)] for pair in zip(total, other, strict=True)
            ]
        if self.interleaved > 1:
            (total,), _, _ = self._steps([total], whole, count, a_at, b_at)
        for row, address in enumerate(c):
            for number in range(self.vectors):
                self._store(total[row][number], address, number)

    def _steps(
        self, sums: Sequence[Grid], first: ir.Value, last: ir.Value, a_at: ir.Value, b_at: ir.Value
    ) -> tuple[list[Grid], ir.Value, ir.Value]:
        """Loop over k, ``len(sums)`` at a time, and return the sums, and how far A and B have been read."""
        builder = self.builder
        before = builder.basic_block
        body, done = (builder.append_basic_block(name) for name in ("body", "done"))
        entry = [first, a_at, b_at]
        builder.cbranch(builder.icmp_signed("<", first, last), body, done)

        builder.position_at_end(body)
        running = [self._phis() for _ in sums]
        counters = [builder.phi(I64) for _ in entry]
        _, a_now, b_now = counters
        updated: list[Grid] = []
        for grid in running:
            b_vectors = self._load_vectors(b_now)
            self._prefetch_next(counters[0], b_now)
            updated.append([self._row_step(grid[row], self.a[row], a_now, b_vectors) for row in range(self.rows)])
            a_now, b_now = builder.add(a_now, self.a_step), builder.add(b_now, self.b_step)
        advanced = [builder.add(counters[0], I64(len(sums))), a_now, b_now]
        end = builder.basic_block
        for grid, initial, new in zip(running, sums, updated, strict=True):
            self._come_from(grid, before, initial)
            self._come_from(grid, end, new)
        for counter, initial, new in zip(counters, entry, advanced, strict=True):
            counter.add_incoming(initial, before)
            counter.add_incoming(new, end)
        builder.cbranch(builder.icmp_signed("<", advanced[0], last), body, done)

        builder.position_at_end(done)
        final = [self._phis() for _ in sums]
        for grid, initial, new in zip(final, sums, updated, strict=True):
            self._come_from(grid, before, initial)
            self._come_from(grid, end, new)
        reached = []
        for initial, new in zip(entry[1:], advanced[1:], strict=True):
            phi = builder.phi(I64)
            phi.add_incoming(initial, before)
            phi.add_incoming(new, end)
            reached.append(phi)
        return final, reached[0], reached[1]

    def _row_step(self, sums: list[ir.Value], row: ir.Value, at: ir.Value, b: list[ir.Value]) -> list[ir.Value]:
        builder = self.builder
        pointer = builder.inttoptr(builder.add(row, at), FLOAT.as_pointer())
        a = builder.load(pointer, align=FLOAT_BYTES)
        a = self._repeated(a, self.type)
        return [builder.call(self.multiply_add, [a, value, total]) for value, total in zip(b, sums, strict=True)]

    def _address(self, rows: ir.Value, row: int) -> ir.Value:
        pointer = self.builder.inttoptr(self.builder.add(rows, I64(ADDRESS_BYTES * row)), I64.as_pointer())
        return self.builder.load(pointer, align=ADDRESS_BYTES)

    def _repeated(self, value: ir.Value, vector: ir.VectorType) -> ir.Value:
        undefined = ir.Constant(vector, ir.Undefined)
        first = self.builder.insert_element(undefined, value, I32(0))
        return self.builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(I32, LANES), [0] * LANES))

    def _mask(self, columns: ir.Value) -> None:
        """Keep which lanes of each register are columns."""
        builder, numbers = self.builder, ir.VectorType(I32, LANES)
        last = self._repeated(builder.trunc(columns, I32), numbers)
        lanes = [
            ir.Constant(numbers, [LANES * vector + lane for lane in range(LANES)]) for vector in range(self.vectors)
        ]
        self.masks = [builder.icmp_signed("<", lane, last) for lane in lanes]

    def _pointer(self, address: ir.Value, number: int) -> ir.Value:
        offset = I64(FLOAT_BYTES * LANES * number)
        return self.builder.inttoptr(self.builder.add(address, offset), self.type.as_pointer())

    def _load(self, address: ir.Value, number: int) -> ir.Value:
        pointer = self._pointer(address, number)
        if not self.ragged:
            return self.builder.load(pointer, align=FLOAT_BYTES)
        kinds = [pointer.type, I32, self.masks[number].type, self.type]
        load = self._declared(f"llvm.masked.load.v{LANES}f32.p0", self.type, kinds)
        return self.builder.call(load, [pointer, I32(FLOAT_BYTES), self.masks[number], ir.Constant(self.type, None)])

    def _store(self, value: ir.Value, address: ir.Value, number: int) -> None:
        pointer = self._pointer(address, number)
        if not self.ragged:
            self.builder.store(value, pointer, align=FLOAT_BYTES)
            return
        kinds = [self.type, pointer.type, I32, self.masks[number].type]
        store = self._declared(f"llvm.masked.store.v{LANES}f32.p0", ir.VoidType(), kinds)
        self.builder.call(store, [value, pointer, I32(FLOAT_BYTES), self.masks[number]])

    def _load_vectors(self, address: ir.Value) -> list[ir.Value]:
        return [self._load(address, number) for number in range(self.vectors)]

    def _declared(self, name: str, result: ir.Type, kinds: list[ir.Type]) -> ir.Function:
        return cgutils.get_or_insert_function(self.builder.module, ir.FunctionType(result, kinds), name)

    def _prefetch_next(self, step: ir.Value, b_now: ir.Value) -> None:
        """Ask for a part of what B is followed by."""
        builder = self.builder
        if self.rows >= SHARING_ROWS:
            # A line per step: the other groups of rows ask for the rest, so that requests never queue up.
            start = builder.add(self.b, self.ahead)
            _fetch(builder, builder.add(start, builder.mul(step, I64(LINE_BYTES))), SECOND_LEVEL)
            return
        for line in range(0, FLOAT_BYTES * LANES * self.vectors, LINE_BYTES):
            _fetch(builder, builder.add(b_now, builder.add(self.ahead, I64(line))), SECOND_LEVEL)

    def _phis(self) -> Grid:
        return [[self.builder.phi(self.type) for _ in range(self.vectors)] for _ in range(self.rows)]

    @staticmethod
    def _come_from(phis: Grid, block: ir.Block, values: Grid) -> None:
        for phi_row, value_row in zip(phis, values, strict=True):
            for phi, value in zip(phi_row, value_row, strict=True):
                phi.add_incoming(value, block)
