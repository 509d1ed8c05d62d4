"""What the CPU kernels are compiled for, that they are right there, and where they are not used."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from llvmlite import binding, ir

from kernels import BackendError, block_linear
from kernels.choice import choose
from kernels.cpu import BoundLinear, FusedLayer, FusedNetwork, backward_and_step, microkernel, prepare, unsupported
from kernels.cpu.compilation.processor import PROCESSOR, SUPPORTED, TARGET, Processor
from kernels.cpu.gemv import gemv

ROOT = Path(__file__).resolve().parents[2]
X86, ARM = "x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"
NO_FMA = r"the cpu back end needs fused multiply-adds, which the processor \(nehalem\) does not have"

# Code for other processors is run, in which this one must know all instructions.
on_x86 = pytest.mark.skipif(not TARGET[0].startswith("x86_64"), reason="this is no x86 processor")
with_avx2 = pytest.mark.skipif(
    not (TARGET[0].startswith("x86_64") and PROCESSOR.lanes >= 8 and PROCESSOR.fused),
    reason="this is no x86 processor with AVX2 and FMA",
)


@pytest.fixture(scope="module", autouse=True)
def all_targets():
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()


@pytest.mark.parametrize(
    ("triple", "name", "features", "expected"),
    [
        (X86, "skylake-avx512", "", (16, 4, True)),
        (X86, "znver3", "", (8, 2, True)),
        (X86, "skylake-avx512", "-avx512f", (8, 2, True)),
        (X86, "haswell", "", (8, 2, True)),
        (X86, "haswell", "-fma", (8, 2, False)),
        # It has other fused multiply-adds than all later processors.
        (X86, "bdver1", "", (8, 2, True)),
        (X86, "sandybridge", "", (8, 2, False)),
        (X86, "nehalem", "", (4, 4, False)),
        (X86, "generic", "", (4, 4, False)),
        (ARM, "neoverse-n1", "", (4, 4, True)),
        ("arm64-apple-darwin", "apple-m1", "", (4, 4, True)),
    ],
)
def test_a_processor_has_what_llvm_generates_code_for(triple, name, features, expected):
    assert Processor.of(triple, name, features) == (name, *expected)


def test_kernels_are_cut_for_the_processor_that_numba_keeps_them_for():
    assert (
        (microkernel.LANES, microkernel.VECTORS) == (PROCESSOR.lanes, PROCESSOR.vectors) == Processor.of(*TARGET)[1:3]
    )
    prepare()
    dispatcher: Any = gemv
    assert dispatcher._cache._index_key(*dispatcher.signatures, dispatcher.targetctx.codegen())[1] == TARGET


@pytest.mark.parametrize(
    ("triple", "name", "multiply_add", "call"),
    [
        (ARM, "neoverse-n1", "fmla", "bl"),
        (ARM, "generic", "fmla", "bl"),
        (X86, "skylake-avx512", "vfmadd231ps", "callq"),
        (X86, "haswell", "vfmadd231ps", "callq"),
    ],
)
def test_the_innermost_loop_is_multiply_adds_between_registers(triple, name, multiply_add, call, monkeypatch):
    lanes, vectors = Processor.of(triple, name, "")[1:3]
    monkeypatch.setattr(microkernel, "LANES", lanes)
    whole, ragged = (six_rows(triple, name, *cut) for cut in ((vectors, False), (1, True)))
    at = [number for number, line in enumerate(whole) if multiply_add in line]
    assert len(at) == 6 * vectors
    # Sums that did not fit into registers would be stored on the stack.
    assert not [line for line in whole[at[0] : at[-1]] if "sp]" in line or "[sp" in line or "%rsp" in line]
    assert sum(multiply_add in line for line in ragged) == 6
    assert not [line for line in whole + ragged if line.split()[:1] == [call]]


def six_rows(triple: str, name: str, vectors: int, ragged: bool) -> list[str]:
    """What LLVM makes of the micro-kernel for six rows."""
    module = ir.Module()
    module.triple = triple
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [microkernel.I64] * 11), "six_rows")
    builder = ir.IRBuilder(function.append_basic_block())
    microkernel._Loop(builder, 6, vectors, 1, ragged).emit(*function.args)
    builder.ret_void()
    machine = binding.Target.from_triple(triple).create_target_machine(cpu=name, opt=3)
    assembly: str = machine.emit_assembly(binding.parse_assembly(str(module)))
    return assembly.splitlines()


def run_for(environment: dict[str, str], code: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=variables, cwd=ROOT)


TESTED = """
import sys, pytest
from kernels.cpu import microkernel
print(microkernel.LANES, microkernel.VECTORS)
where = "tests/kernels/test_cpu.py::test_result_and_gradients"
sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:xdist", where, "-k", "tanh"]))
"""


@with_avx2
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_results_and_gradients_are_right_with_vectors_of_256_bits():
    done = run_for({"NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": ""}, TESTED)
    assert done.stdout.startswith("8 2\n"), done.stdout + done.stderr
    assert (done.returncode, "96 passed" in done.stdout) == (0, True), done.stdout


# As on aarch64, in code that has no masked loads either: to the assembly of nothing belong vectors of the least size,
# and multiply-adds in one instruction. Such kernels must not be kept.
NARROW = """
from llvmlite.binding import TargetMachine
emit, TargetMachine.emit_assembly = TargetMachine.emit_assembly, lambda *_: ""
import kernels.cpu
TargetMachine.emit_assembly = emit
"""


@on_x86
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_results_and_gradients_are_right_with_vectors_of_128_bits(tmp_path):
    environment = {"NUMBA_CPU_NAME": "nehalem", "NUMBA_CPU_FEATURES": "", "NUMBA_CACHE_DIR": str(tmp_path)}
    done = run_for(environment, NARROW + TESTED)
    assert done.stdout.startswith("4 4\n"), done.stdout + done.stderr
    assert (done.returncode, "96 passed" in done.stdout) == (0, True), done.stdout


@on_x86
@pytest.mark.slow
@pytest.mark.parametrize("name", ["nehalem", "generic"])
def test_a_process_for_a_processor_without_fused_multiply_adds_takes_the_reference(name):
    code = (
        "import torch, kernels\n"
        "x, w = torch.ones(1, 2), torch.ones(1, 1, 2, 3)\n"
        "print(kernels.block_linear(x, w).tolist())\n"
        "try: kernels.block_linear(x, w, backend='cpu')\n"
        "except kernels.BackendError as error: print(error)"
    )
    done = run_for({"NUMBA_CPU_NAME": name, "NUMBA_CPU_FEATURES": ""}, code)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "[[2.0, 2.0, 2.0]]",
        "backend 'cpu' is pinned and cannot run this call: the cpu back end needs fused multiply-adds, "
        f"which the processor ({name}) does not have",
    ]


@pytest.mark.usefixtures("without_fused_multiply_adds")
def test_whatever_runs_the_kernels_says_that_they_cannot_be_run():
    x, weight, bias = torch.ones(1, 2), torch.ones(1, 1, 2, 2), torch.zeros(2)
    assert choose("auto", "cpu", torch.float32, weight.shape, False, "open") == "reference"
    with pytest.raises(BackendError, match=f"backend 'cpu' is pinned and cannot run this call: {NO_FMA}"):
        block_linear(x, weight, backend="cpu")
    with pytest.raises(BackendError, match=NO_FMA):
        BoundLinear(weight, bias)
    with pytest.raises(BackendError, match=NO_FMA):
        backward_and_step(x, x, weight, bias, None, None, x, "relu", learning_rate=0.1)
    layer = FusedLayer(weight, bias, torch.ones(1, 2), torch.zeros(1))
    with pytest.raises(BackendError, match=NO_FMA):
        FusedNetwork([layer], weight, bias, activation="relu", rule="threshold")


def test_the_versions_of_numba_that_are_named_are_those_that_are_installed():
    assert f'"{SUPPORTED}",' in (ROOT / "pyproject.toml").read_text("utf-8")


def test_numba_has_the_private_names_that_kernels_are_compiled_with():
    from numba import config
    from numba.core import cgutils
    from numba.core.registry import cpu_target

    context = cpu_target.target_context
    places = {
        "numba.core.cgutils": (cgutils, ("get_or_insert_function", "voidptr_t")),
        "numba.config": (config, ("CACHE_DIR",)),
        "the CPU's target context": (context, ("codegen", "get_dummy_value")),
        "its code generator": (context.codegen(), ("magic_tuple",)),
        "a compiled function": (gemv, ("compile", "py_func", "signatures")),
        "llvmlite's pointers": (ir.IntType(8).as_pointer(), ("intrinsic_name",)),
    }
    missing = [
        f"{where} has no {name}"
        for where, (place, names) in places.items()
        for name in names
        if not hasattr(place, name)
    ]
    assert missing == [], f"the kernels need {SUPPORTED}"


def test_a_call_that_no_machine_can_run_compiles_nothing(monkeypatch):
    from kernels.backend import Call
    from kernels.cpu import launch

    monkeypatch.setattr(launch, "unavailable", lambda _: pytest.fail("compiled"))
    call = Call("cpu", torch.float64, (1, 1, 2, 2), in_gated=False, gate_grad="open")
    assert unsupported(call) == "the cpu back end computes in float32, these are torch.float64"
