"""Which back end runs a call, and that a pinned one is never silently replaced."""

import logging
import subprocess
import sys

import pytest
import torch

from kernels import BACKENDS, BackendError, choice, use_backend
from kernels.choice import choose
from tests.kernels.cases import random_case


@pytest.fixture(autouse=True)
def forget():
    yield
    choice._from_environment.cache_clear()
    choice._suited.cache_clear()
    choice._log.cache_clear()


def chosen(name: str, dtype: torch.dtype = torch.float32) -> str:
    return choose(name, "cpu", dtype, (2, 2, 4, 4), in_gated=True, gate_grad="open")


def test_cpu_kernels_run_what_they_can():
    assert chosen("auto") == "cpu"


def test_the_reference_runs_the_rest_and_the_reason_is_logged_once(caplog):
    choice._suited.cache_clear()
    choice._log.cache_clear()
    with caplog.at_level(logging.DEBUG, logger="kernels.choice"):
        for _ in range(2):
            assert chosen("auto", torch.float64) == "reference"
    assert caplog.messages == [
        "backend reference, because the cpu back end computes in float32, these are torch.float64"
    ]


def test_an_argument_is_stronger_than_the_context_and_that_than_the_environment(monkeypatch):
    monkeypatch.setenv("GATING_BACKEND", "triton")
    choice._from_environment.cache_clear()
    with pytest.raises(BackendError, match="'triton' is pinned"):
        chosen("auto")
    with use_backend("reference"):
        assert chosen("auto") == "reference"
        with use_backend("cpu"):
            assert chosen("auto") == "cpu"
        assert chosen("auto") == "reference"
        assert chosen("cpu") == "cpu"


def test_auto_in_a_context_lifts_what_the_environment_pins(monkeypatch):
    monkeypatch.setenv("GATING_BACKEND", "reference")
    choice._from_environment.cache_clear()
    with use_backend("auto"):
        assert chosen("auto") == "cpu"


@pytest.mark.parametrize("name", BACKENDS)
def test_every_name_can_be_pinned_by_argument(name):
    if name == "triton":
        with pytest.raises(BackendError, match="'triton' is pinned and cannot run this call: "):
            chosen(name)
    else:
        assert chosen(name) == name


def test_unknown_names_are_refused_wherever_they_come_from(monkeypatch):
    expected = "unknown backend 'gpu': choose one of auto, reference, cpu, triton"
    with pytest.raises(ValueError, match=f"use_backend: {expected}"), use_backend("gpu"):
        pass
    with pytest.raises(ValueError, match=f"backend: {expected}"):
        random_case((1, 1, 2, 2)).run(backend="gpu")
    monkeypatch.setenv("GATING_BACKEND", "gpu")
    choice._from_environment.cache_clear()
    with pytest.raises(ValueError, match=f"GATING_BACKEND: {expected}"):
        chosen("auto")


@pytest.mark.slow
def test_a_back_end_that_is_not_installed_is_a_reason():
    code = (
        "import sys; sys.modules['numba'] = None\n"
        "import torch, kernels\n"
        "x, w = torch.ones(1, 2), torch.ones(1, 1, 2, 3)\n"
        "print(kernels.block_linear(x, w).tolist())\n"
        "try: kernels.block_linear(x, w, backend='cpu')\n"
        "except kernels.BackendError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    assert first == "[[2.0, 2.0, 2.0]]"
    assert second.startswith("backend 'cpu' is pinned and cannot run this call: kernels.cpu cannot be imported: ")
