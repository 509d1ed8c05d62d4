"""Kernels that numba or LLVM cannot compile: the reference runs, and one line says why."""

import logging
import sys
from types import ModuleType

import pytest
import torch
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from kernels import BackendError, block_linear, choice, prepare
from kernels.backend import load
from kernels.cpu import BoundLinear, launch


@intrinsic
def wrong_for_llvm(_, value):
    def generate(context, builder, signature, arguments):
        kind = ir.FunctionType(ir.IntType(64), [ir.IntType(64)])
        function = ir.Function(builder.module, kind, "llvm.fma.f32")
        return builder.call(function, arguments)

    return types.int64(types.int64), generate


@intrinsic
def broken_in_python(_, value):
    def generate(context, builder, signature, arguments):
        return context.a_private_name_that_is_gone()

    return types.int64(types.int64), generate


@njit
def of_llvm(rows: int) -> int:
    return wrong_for_llvm(rows)  # type: ignore[call-arg]


@njit
def of_python(rows: int) -> int:
    return broken_in_python(rows)  # type: ignore[call-arg]


@njit
def of_types(rows: int) -> int:
    return rows + "row"  # type: ignore[operator]


@pytest.fixture(params=[of_llvm, of_python, of_types], ids=["LLVM", "Python", "numba"])
def broken(request, back_ends_chosen_anew, monkeypatch):
    """One of the kernels is one that cannot be compiled."""
    module = ModuleType("kernels.cpu.broken")
    vars(module)["kernel"] = request.param
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(launch, "LAYER", ("broken.kernel",))
    monkeypatch.setattr("kernels.cpu.bound.LAYER", ("broken.kernel",))


@pytest.fixture
def call():
    return torch.ones(1, 2), torch.ones(1, 1, 2, 3)


@pytest.mark.usefixtures("broken")
def test_one_line_is_logged_and_the_reference_runs(call, caplog):
    with caplog.at_level(logging.WARNING):
        prepare()
        for rows in (1, 2):
            assert block_linear(call[0].expand(rows, 2), call[1]).tolist() == [[2.0, 2.0, 2.0]] * rows
        assert block_linear(*call, gate_grad="exact").tolist() == [[2.0, 2.0, 2.0]]
    messages = [message for message in caplog.messages if not message.startswith("compiling 1 CPU kernels")]
    (message,) = messages
    assert message.startswith("the CPU kernels cannot be compiled: ")
    assert "\n" not in message


@pytest.mark.usefixtures("broken")
def test_pinned_they_are_an_error(call):
    with pytest.raises(BackendError, match="is pinned and cannot run this call: the CPU kernels cannot be compiled: "):
        block_linear(*call, backend="cpu")
    with pytest.raises(BackendError, match="the CPU kernels cannot be compiled: "):
        BoundLinear(call[1], None)


@pytest.mark.parametrize(
    ("error", "logged"),
    [(ModuleNotFoundError("No module named 'numba'"), 0), (ImportError("numba 0.99 does not say what"), 1)],
)
def test_a_numba_that_does_not_fit_is_logged_and_one_that_is_not_there_is_not(monkeypatch, caplog, call, error, logged):
    def fails(name):
        raise error

    monkeypatch.setattr(choice, "load", fails)
    choice._missing.cache_clear()
    choice._suited.cache_clear()
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert block_linear(*call).tolist() == [[2.0, 2.0, 2.0]]
    assert caplog.messages == [f"kernels.cpu cannot be imported: {error}"] * logged
    choice._missing.cache_clear()
    choice._suited.cache_clear()
    assert load("cpu")
