"""Runs triton_interpreted.py in a process of its own, where Triton is imported as an interpreter."""

import os
import subprocess
import sys
from pathlib import Path

import numpy
import pytest

triton = pytest.importorskip("triton", reason="triton is not installed")

TESTS = Path(__file__).with_name("triton_interpreted.py")
ROOT = TESTS.parents[2]


def version(text: str) -> tuple[int, int]:
    major, minor = text.split(".")[:2]
    return int(major), int(minor)


@pytest.mark.skipif(
    version(triton.__version__) < (3, 7) and version(numpy.__version__) >= (2, 4),
    reason=f"the interpreter of triton {triton.__version__} fails with numpy {numpy.__version__}",
)
def test_all_that_the_interpreter_can_show():
    # What is an error with numpy 2.4 is a warning before it.
    lenient = ["-W", "ignore:Conversion of an array with ndim:DeprecationWarning"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *lenient, str(TESTS)]
    environment = {**os.environ, "TRITON_INTERPRET": "1"}
    environment = {name: value for name, value in environment.items() if not name.startswith("PYTEST_")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout[-20000:]}\n{done.stderr[-2000:]}"
