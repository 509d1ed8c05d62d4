"""Random inputs, gates and weights of the one layer that a case times."""

import torch
from torch import Tensor

from studies.timing.cases import TURNS, Case, open_blocks


class RandomLayer:
    """What both sides of a case compute with.

    Args:
        case: of one layer.
        device: where all tensors lie.
        dtype: of all tensors.
        inputs: how many sets of inputs take turns.

    Attributes:
        dense: weight ``[d_in, d_out]``.
        weight: the same in block layout, ``[n_out, n_in, in_size, block]``.
        bias: ``[d_out]``.
        x: ``inputs`` times ``[batch, d_in]``.
        in_gates: ``TURNS`` times ``[batch, n_in]``, or None where the case gates the output only.
        out_gates: ``TURNS`` times ``[batch, n_out]``.
        upstream: the gradient of the result, ``[batch, d_out]``.
    """

    def __init__(self, case: Case, device: str, dtype: torch.dtype, inputs: int = TURNS) -> None:
        self.case = case
        self._generator = torch.Generator(device).manual_seed(0)
        in_size = case.d_in if case.d_in % case.block else case.block
        n_out, n_in = case.d_out // case.block, case.d_in // in_size
        self._device, self._dtype = device, dtype
        self.dense = self._normal(case.d_in, case.d_out) / case.d_in**0.5
        blocks = self.dense.view(n_in, in_size, n_out, case.block)
        self.weight = blocks.permute(2, 0, 1, 3).contiguous()
        self.bias = self._normal(case.d_out)
        self.x = [self._normal(case.batch, case.d_in) for _ in range(inputs)]
        both = case.gated == "both"
        self.in_gates = [self._gates(n_in) if both else None for _ in range(TURNS)]
        self.out_gates = [self._gates(n_out) for _ in range(TURNS)]
        self.upstream = self._normal(case.batch, case.d_out)

    @property
    def open_blocks(self) -> int:
        """How many output blocks each row opens."""
        return open_blocks(self.case.d_out // self.case.block, self.case.density)

    def _normal(self, *size: int) -> Tensor:
        return torch.randn(size, generator=self._generator, device=self._device, dtype=self._dtype)

    def _gates(self, blocks: int) -> Tensor:
        scores = torch.rand(self.case.batch, blocks, generator=self._generator, device=self._device)
        chosen = scores.topk(open_blocks(blocks, self.case.density), dim=1).indices
        return torch.zeros_like(scores).scatter_(1, chosen, 1.0).to(self._dtype)
