"""How a kernel is launched, with a stand-in for Triton that notes what it is given."""

from typing import Any

import pytest
import torch

triton = pytest.importorskip("triton", reason="triton is not installed")


class Kernel:
    """Counts its launches by Triton's own way, and those of what that has compiled."""

    arg_names = ("x", "rows", "y", "width")

    def __init__(self) -> None:
        self.by_triton: list[dict[str, Any]] = []
        self.compiled: list[tuple[Any, ...]] = []

    def __getitem__(self, grid: tuple[int, ...]) -> Any:
        def launch(**arguments: Any) -> Any:
            self.by_triton.append({"grid": grid, **arguments})
            return Compiled(self)

        return launch


class Compiled:
    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel

    def __getitem__(self, grid: tuple[int, int, int]) -> Any:
        return lambda *values: self.kernel.compiled.append((grid, *values))


@pytest.fixture
def launch(monkeypatch):
    from kernels.triton import start

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)
    monkeypatch.setattr(triton.knobs.runtime, "interpret", False)
    return lambda kernel: start.Launch(kernel, (5,), start.Config(16, 8, 4), width=3, rows=7)


def test_only_the_first_launch_looks_arguments_up(launch):
    kernel, x, y = Kernel(), torch.zeros(8), torch.ones(8)
    start = launch(kernel)
    for _ in range(3):
        start(x=x, y=y)
    (first,) = kernel.by_triton
    assert (first["grid"], first["num_warps"], first["num_stages"]) == ((5,), 8, 4)
    assert (first["x"] is x, first["y"] is y, first["rows"], first["width"]) == (True, True, 7, 3)
    assert len(kernel.compiled) == 2
    grid, *values = kernel.compiled[-1]
    assert grid == (5, 1, 1)
    assert (values[0] is x, values[1], values[2] is y, values[3]) == (True, 7, True, 3)


def test_a_tensor_that_is_not_there_is_none(launch):
    kernel, x = Kernel(), torch.zeros(8)
    start = launch(kernel)
    start(x=x, y=None)
    start(x=x, y=None)
    assert kernel.compiled[0][3] is None


def test_what_lies_at_an_odd_address_is_compiled_for_it(launch):
    kernel, x = Kernel(), torch.zeros(9)
    start = launch(kernel)
    start(x=x[:8], y=None)
    start(x=x[1:], y=None)
    start(x=x[:8], y=None)
    assert (len(kernel.by_triton), len(kernel.compiled)) == (2, 1)


def test_each_device_loads_the_kernel(launch, monkeypatch):
    kernel, x = Kernel(), torch.zeros(8)
    start = launch(kernel)
    for device in (0, 1, 0, 1):
        monkeypatch.setattr(torch.cuda, "current_device", lambda device=device: device)
        start(x=x, y=None)
    assert (len(kernel.by_triton), len(kernel.compiled)) == (2, 2)
