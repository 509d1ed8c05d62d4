"""Threads and processes."""

import os
import signal
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.tensor import Replicate, Shard, distribute_tensor
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader, Dataset

from kernels.cpu import set_threads
from tests.kernels.cases import random_case
from tests.kernels.pytorch.scenario import Gated, Layer, Operands, derivatives, operands, scenario

SECONDS = 60


@scenario("several threads")
def threads(layer: Layer, given: Operands) -> list[Tensor]:
    def run(rows: int) -> list[Tensor]:
        own = operands(rows)
        return [tensor.clone() for _ in range(20) for tensor in derivatives(layer(*own), own)]

    with ThreadPoolExecutor(4) as pool:
        return [tensor for found in pool.map(run, (len(given.x), 3, 9, 40)) for tensor in found]


def _in_a_fork(layer: Layer, arguments: list[Tensor], like: Tensor) -> Tensor:
    """Compute in a forked process and return the result from there; it is like another one."""
    shared: Tensor = torch.zeros_like(like).share_memory_()
    child = os.fork()
    if child == 0:
        # A child that hangs is ended by the alarm, and one that fails leaves zeros; neither runs on as a test.
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(SECONDS)
        try:
            shared.copy_(layer(*arguments))
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status == 0, "the forked process hung"
    return shared


@scenario("a forked process, after `kernels.cpu.set_threads` too")
def forked(layer: Layer, given: Operands) -> list[Tensor]:
    # So large that threads share it.
    large = random_case((16, 4, 64, 64), rows=40).map(lambda tensor: tensor.float())
    arguments = list(large.tensors().values())
    set_threads(2)
    try:
        large_result = layer(*arguments)
        found = [large_result, _in_a_fork(layer, arguments, large_result)]
    finally:
        set_threads(1)
    return [*found, _in_a_fork(layer, list(given.plain), layer(*given.plain))]


class Rows(Dataset[Tensor]):
    def __init__(self, layer: Layer, given: Operands) -> None:
        self.layer, self.given = layer, given.plain

    def __len__(self) -> int:
        return len(self.given.x)

    def __getitem__(self, row: int) -> Tensor:
        x, weight, bias, in_gates, out_gates = self.given
        one = slice(row, row + 1)
        return self.layer(x[one], weight, bias, in_gates[one], out_gates[one])[0]


@scenario("workers of a `DataLoader`")
def workers(layer: Layer, given: Operands) -> list[Tensor]:
    return list(DataLoader(Rows(layer, given), batch_size=4, num_workers=1))


@contextmanager
def _alone() -> Iterator[None]:
    """A group of processes that has one."""
    with tempfile.TemporaryDirectory() as folder:
        distributed.init_process_group("gloo", init_method=f"file://{folder}/group", rank=0, world_size=1)
        try:
            yield
        finally:
            distributed.destroy_process_group()


@scenario("`DTensor`, replicated and sharded by rows")
def distributed_tensors(layer: Layer, given: Operands) -> list[Tensor]:
    found: list[Any] = []
    with _alone():
        mesh = init_device_mesh("cpu", (1,))
        for by_rows in (Replicate(), Shard(0)):
            places = by_rows, Replicate(), Replicate(), by_rows, by_rows
            leaves: list[Any] = [
                distribute_tensor(tensor.detach(), mesh, [place]).requires_grad_()
                for tensor, place in zip(given, places, strict=True)
            ]
            found += derivatives(layer(*leaves), leaves)
        whole: list[Tensor] = [tensor.full_tensor() for tensor in found]
    return whole


@scenario("`nn.DataParallel`, `DistributedDataParallel` on a CPU")
def parallel(layer: Layer, given: Operands) -> list[Tensor]:
    inputs = given.x.detach(), given.in_gates.detach(), given.out_gates.detach()
    first = Gated(layer, given)
    found = derivatives(nn.DataParallel(first)(*inputs), list(first.parameters()))
    with _alone():
        module = DistributedDataParallel(Gated(layer, given))
        module(*inputs).square().sum().backward()
    return [*found, *(parameter.grad for parameter in module.parameters() if parameter.grad is not None)]
