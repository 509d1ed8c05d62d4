"""The two sides of a transformer's feed-forward layer: positions in, gated blocks of hidden units, positions out."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import linear

from kernels import block_linear
from studies.timing.cases import TURNS, Case
from studies.timing.clock import Contender
from studies.timing.gpu_contenders import COPIES, as_graph
from studies.timing.one_dnn import EAGER, ONE_DNN, available, packed_linear
from studies.timing.random_layer import RandomLayer

# From input, parameters and turn to output.
Forward = Callable[[Tensor, list[Tensor], int], Tensor]


def feed_forward_contenders(case: Case, device: str) -> tuple[Mapping[str, Contender], Contender]:
    """Return the dense layer in all ways, and ours, each call with other gates.

    All is float32 on a CPU and bfloat16 on a GPU.
    """
    layer = FeedForward(case, device, torch.bfloat16 if device == "cuda" else torch.float32)
    ways = {EAGER: layer.dense()}
    if device == "cpu" and not layer.trained and available():
        ways[ONE_DNN] = layer.packed()
    ours = layer.ours("triton" if device == "cuda" else "cpu")
    if case.launch == "eager":
        return ways, ours
    return {name: as_graph(way) for name, way in ways.items()}, as_graph(ours)


class FeedForward:
    """``down(relu(up(x)))``, of which each row opens as many hidden blocks.

    The gates are binary: those of the output of ``up`` say what ``down`` reads. What decides them is not computed.

    Args:
        case: of kind ``feed_forward`` or ``feed_forward_training``.
        device: where all tensors lie.
        dtype: of all tensors.

    Attributes:
        up: from ``case.d_in`` units to ``case.hidden``.
        down: from there to ``case.d_out`` units.
        trained: whether gradients of input, weights and biases are computed too.
        weights: of as many pairs of layers as take turns, weight and bias of ``up`` and of ``down``, in block layout.
        dense_weights: the same in torch's layout, cut down to ``density`` of the hidden units if the baseline has equal
            multiply-adds.
    """

    def __init__(self, case: Case, device: str, dtype: torch.dtype) -> None:
        # Weights that take turns on a GPU are in no cache, as those of a whole network would not be.
        copies = COPIES if device == "cuda" else 1
        self.up = RandomLayer(replace(case, d_out=case.hidden, gated="output"), device, dtype, COPIES)
        self.down = RandomLayer(replace(case, d_in=case.hidden, gated="output"), device, dtype, 1)
        self.trained = case.case == "feed_forward_training"
        self._upstream = self.down.upstream
        up, down = self.up, self.down
        hidden = round(case.density * case.hidden) if case.baseline == "dense_equal_macs" else case.hidden
        blocks = up.weight, up.bias, down.weight, down.bias
        dense = up.dense.T[:hidden], up.bias[:hidden], down.dense.T[:, :hidden], down.bias
        self.weights = [self._leaves(blocks) for _ in range(copies)]
        self.dense_weights = [self._leaves(dense) for _ in range(copies)]
        self._inputs = self._leaves(tuple(up.x))
        self._out_gates = up.out_gates
        self._masks = [gates != 0 for gates in up.out_gates]

    def dense(self) -> Contender:
        """Two torch layers."""

        def forward(x: Tensor, parameters: list[Tensor], _: int) -> Tensor:
            up, up_bias, down, down_bias = parameters
            return linear(torch.relu(linear(x, up, up_bias)), down, down_bias)

        return self._contender(forward, self.dense_weights)

    def packed(self) -> Contender:
        """The same by oneDNN, forward only."""
        up, up_bias, down, down_bias = self.dense_weights[0]
        rows = len(self._inputs[0])
        packed_up, packed_down = packed_linear(up, up_bias, rows, "relu"), packed_linear(down, down_bias, rows)
        return torch.inference_mode()(lambda number: packed_down(packed_up(self._inputs[number % len(self._inputs)])))

    def ours(self, backend: str) -> Contender:
        """Two gated layers, the relu fused into the first."""
        # Triton need not multiply by a mask; on a CPU it would have to be converted.
        read = self._masks if backend == "triton" else self._out_gates

        def forward(x: Tensor, parameters: list[Tensor], turn: int) -> Tensor:
            up, up_bias, down, down_bias = parameters
            hidden = block_linear(x, up, up_bias, None, self._out_gates[turn], activation="relu", backend=backend)
            return block_linear(hidden, down, down_bias, read[turn], backend=backend)

        return self._contender(forward, self.weights)

    def _contender(self, forward: Forward, weights: list[list[Tensor]]) -> Contender:
        def call(number: int) -> object:
            x, parameters = self._inputs[number % len(self._inputs)], weights[number % len(weights)]
            with torch.set_grad_enabled(self.trained):
                y = forward(x, parameters, number % TURNS)
            return torch.autograd.grad(y, [x, *parameters], self._upstream) if self.trained else y

        return call

    def _leaves(self, tensors: tuple[Tensor, ...]) -> list[Tensor]:
        return [tensor.clone(memory_format=torch.contiguous_format).requires_grad_(self.trained) for tensor in tensors]
