"""Runs interpreted.py in processes of their own, where Triton is imported as an interpreter."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

triton = pytest.importorskip("triton", reason="triton is not installed")

TESTS = Path(__file__).with_name("interpreted.py")
ROOT = TESTS.parents[3]
SHARES = 5


def version(text: str) -> tuple[int, int]:
    major, minor = text.split(".")[:2]
    return int(major), int(minor)


def functions() -> list[str]:
    """The tests' names, read without importing them, since Triton would be imported too, as a compiler."""
    found = ast.parse(TESTS.read_text()).body
    return [each.name for each in found if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")]


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.skipif(
    version(triton.__version__) < (3, 7) and version(numpy.__version__) >= (2, 4),
    reason=f"the interpreter of triton {triton.__version__} fails with numpy {numpy.__version__}",
)
@pytest.mark.parametrize("share", range(SHARES))
def test_all_that_the_interpreter_can_show(share):
    # What is an error with numpy 2.4 is a warning before it.
    lenient = ["-W", "ignore:Conversion of an array with ndim:DeprecationWarning"]
    tests = [f"{TESTS}::{name}" for name in functions()[share::SHARES]]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *lenient, *tests]
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    environment = {name: value for name, value in environment.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout[-20000:]}\n{done.stderr[-2000:]}"
