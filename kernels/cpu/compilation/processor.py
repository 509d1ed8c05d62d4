"""The processor that numba generates code for: this one, or what ``NUMBA_CPU_NAME`` and ``NUMBA_CPU_FEATURES`` say."""

from typing import NamedTuple

import numba
from llvmlite import binding

SUPPORTED = "numba>=0.61,<0.69"
# What LLVM makes of it says what a processor has: a name alone does not, and features are not complete.
_MULTIPLY_ADD = """
target triple = "{triple}"
declare <16 x float> @llvm.fma.v16f32(<16 x float>, <16 x float>, <16 x float>)
define <16 x float> @f(<16 x float> %a, <16 x float> %b, <16 x float> %c) {{
  %sum = call <16 x float> @llvm.fma.v16f32(<16 x float> %a, <16 x float> %b, <16 x float> %c)
  ret <16 x float> %sum
}}
"""


class Processor(NamedTuple):
    """What kernels must know of a processor.

    Attributes:
        name: as LLVM calls it.
        lanes: floats per vector register.
        vectors: registers per row of the six rows of sums that are kept in registers.
        fused: whether it multiplies and adds in one instruction; else each is a call of a function, per float.
    """

    name: str
    lanes: int
    vectors: int
    fused: bool

    @classmethod
    def of(cls, triple: str, name: str, features: str) -> "Processor":
        """Return what LLVM generates code for.

        Args:
            triple: the target triple.
            name: as LLVM calls the processor.
            features: those that it has beyond its name, ``+fma,-avx512f`` for instance.

        Raises:
            RuntimeError: LLVM does not know the target.
        """
        machine = binding.Target.from_triple(triple).create_target_machine(cpu=name, features=features)
        assembly = machine.emit_assembly(binding.parse_assembly(_MULTIPLY_ADD.format(triple=triple)))
        fused = "fmaf" not in assembly
        # The sums fill 24 of 32 registers with AVX-512 and on aarch64, and 12 of 16 with AVX2.
        if "zmm" in assembly:
            return cls(name, 16, 4, fused)
        if "ymm" in assembly:
            return cls(name, 8, 2, fused)
        return cls(name, 4, 4, fused)

    def __str__(self) -> str:
        return f"{32 * self.lanes}-bit vectors, for {self.name}"


def _target() -> tuple[str, str, str]:
    """Return the triple, name and features that numba generates code for.

    Raises:
        ImportError: this version of numba does not say it.
    """
    try:
        from numba.core.registry import cpu_target

        triple, name, features = cpu_target.target_context.codegen().magic_tuple()
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
        raise ImportError(
            f"numba {numba.__version__} does not say what it compiles for ({problem}): the kernels need {SUPPORTED}"
        ) from error
    return triple, name, features


# Numba's index of what it keeps has these in its keys.
TARGET = _target()
PROCESSOR = Processor.of(*TARGET)
