"""The two sides of each case of a GPU, launched kernel by kernel or as one CUDA graph."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import grouped_mm, linear

from kernels import block_linear
from studies.timing.cases import TURNS, Case
from studies.timing.clock import Contender
from studies.timing.random_layer import RandomLayer

# Weights and inputs that take turns: 4 x 32 MiB of weights are more than a second-level cache holds.
COPIES = 4


def gpu_contenders(case: Case, device: str = "cuda") -> tuple[Contender, Contender]:
    """Return the baseline and ours, in bfloat16, each call with other gates; a graph makes ``TURNS``."""
    layer = _GpuLayer(case, device)
    baseline = {"dense": layer.plain, "masked": layer.masked, "grouped_mm": layer.grouped}[case.baseline]
    sides = layer.contender(baseline), layer.contender(layer.ours)
    return sides if case.launch == "eager" else (as_graph(sides[0]), as_graph(sides[1]))


class _GpuLayer(RandomLayer):
    def __init__(self, case: Case, device: str) -> None:
        super().__init__(case, device, torch.bfloat16, COPIES)
        self._blocks = case.d_out // case.block
        self._denses = [self.dense.T.contiguous() for _ in range(COPIES)]
        self._weights = [self.weight.clone() for _ in range(COPIES)]
        # As a network hands them on: what a closed block of the layer below would have put out is not read.
        self._masks = [None if gates is None else gates != 0 for gates in self.in_gates]
        self._trained = case.case == "training"
        for tensor in (*self.x, *self._denses, *self._weights, self.bias):
            tensor.requires_grad_(self._trained)

    def contender(self, forward: Callable[[int], tuple[Tensor, Tensor]]) -> Contender:
        """Return what runs a layer forward, and backward if it is trained; ``forward`` returns result and weight."""

        def call(number: int) -> object:
            with torch.set_grad_enabled(self._trained):
                y, weight = forward(number)
            if not self._trained:
                return y
            return torch.autograd.grad(y, [self.x[number % COPIES], weight, self.bias], self.upstream)

        return call

    def plain(self, number: int) -> tuple[Tensor, Tensor]:
        """A dense layer."""
        weight = self._denses[number % COPIES]
        return torch.relu(linear(self.x[number % COPIES], weight, self.bias)), weight

    def masked(self, number: int) -> tuple[Tensor, Tensor]:
        """A dense layer between masks, its weight in the dense layout."""
        weight = self._denses[number % COPIES]
        y = torch.relu(linear(self._masked_input(number), weight, self.bias))
        return self._masked(y, self.out_gates[number % TURNS]), weight

    def grouped(self, number: int) -> tuple[Tensor, Tensor]:
        """PyTorch's product of groups of rows, which knows how many there are, since each row opens as many blocks.

        The block layout is that of its groups. What is gated on the input side is masked.
        """
        weight, gates = self._weights[number % COPIES], self.out_gates[number % TURNS]
        by_block = gates.T.contiguous()
        block, row = torch.nonzero_static(by_block, size=len(gates) * self.open_blocks).unbind(dim=1)
        ends = (by_block != 0).sum(dim=1).cumsum(dim=0).to(torch.int32)
        groups = weight.view(self._blocks, self.case.d_in, self.case.block)
        found = grouped_mm(self._masked_input(number)[row], groups, offs=ends)
        found = torch.relu(found + self.bias.view(self._blocks, self.case.block)[block])
        y: Tensor = found.new_zeros(len(gates), self._blocks, self.case.block).index_put((row, block), found)
        return y.flatten(1), weight

    def ours(self, number: int) -> tuple[Tensor, Tensor]:
        """The Triton back end."""
        weight, turn = self._weights[number % COPIES], number % TURNS
        gates = self._masks[turn], self.out_gates[turn]
        x = self.x[number % COPIES]
        return block_linear(x, weight, self.bias, *gates, activation="relu", backend="triton"), weight

    def _masked_input(self, number: int) -> Tensor:
        x, gates = self.x[number % COPIES], self.in_gates[number % TURNS]
        return x if gates is None else self._masked(x, gates)

    def _masked(self, x: Tensor, gates: Tensor) -> Tensor:
        masked: Tensor = x.unflatten(1, (gates.shape[1], -1)) * gates.unsqueeze(-1)
        return masked.flatten(1)


def as_graph(contender: Contender) -> Contender:
    """Return a contender that replays ``TURNS`` calls as one CUDA graph."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    # A capture may allocate, but not compile.
    with torch.cuda.stream(stream):
        for number in range(TURNS):
            contender(number)
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        for number in range(TURNS):
            contender(number)
    return lambda number: graph.replay()
