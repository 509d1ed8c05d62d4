"""The two parametrised parts of a gated layer: the block-linear map and the gater that scores its blocks."""

import math

import torch
from torch import Tensor, nn

from kernels import Activation, GateGrad, block_linear


class BlockLinear(nn.Module):
    """An affine map whose weight is kept in block layout ``[out_blocks, in_blocks, in_size, out_size]``.

    Parameters are uninitialised until :meth:`reset` is called, so that nothing draws from a global generator; ``gain``
    multiplies the weights then.
    """

    def __init__(
        self,
        in_blocks: int,
        in_size: int,
        out_blocks: int,
        out_size: int,
        *,
        bias: bool = True,
        gain: float = 1.0,
    ) -> None:
        super().__init__()
        self._gain = gain
        self.weight = nn.Parameter(torch.empty(out_blocks, in_blocks, in_size, out_size))
        self.bias = nn.Parameter(torch.empty(out_blocks * out_size)) if bias else None

    def reset(self, generator: torch.Generator) -> None:
        """Glorot-uniform weights over the whole layer's fan-in and fan-out (Glorot and Bengio 2010), zero biases."""
        out_blocks, in_blocks, in_size, out_size = self.weight.shape
        bound = self._gain * math.sqrt(6.0 / (in_blocks * in_size + out_blocks * out_size))
        with torch.no_grad():
            self.weight.uniform_(-bound, bound, generator=generator)
            if self.bias is not None:
                self.bias.zero_()

    def forward(
        self,
        x: Tensor,
        in_gates: Tensor | None = None,
        out_gates: Tensor | None = None,
        activation: Activation = "identity",
        gate_grad: GateGrad = "open",
    ) -> Tensor:
        """Map ``[B, in_blocks * in_size]`` to ``[B, out_blocks * out_size]``; gates as in ``block_linear``."""
        return block_linear(x, self.weight, self.bias, in_gates, out_gates, activation=activation, gate_grad=gate_grad)


class Gater(nn.Module):
    """The scores of a layer's blocks, ``Z h + d``: one logit per block (paper, section 2).

    Args:
        features: of the layer's input.
        blocks: of the layer.
        carried: units of a state carried over from an earlier pass, which the gater sees behind the input. They have a
            weight of their own, so that gaters with and without them start from the same ``Z``.

    Attributes:
        centred: use ``Z`` less its mean over blocks, so that inputs can only say which blocks score higher than others,
            never that all do. False at first.
    """

    def __init__(self, features: int, blocks: int, carried: int = 0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(blocks, features))
        self.bias = nn.Parameter(torch.empty(blocks))
        self.carried_weight = nn.Parameter(torch.empty(blocks, carried)) if carried else None
        self.centred = False

    def reset(self, generator: torch.Generator, density: float) -> None:
        """Glorot-uniform weights; biases at the logit of ``density``, so that training starts near the budget."""
        with torch.no_grad():
            for weight in (self.weight, self.carried_weight):
                if weight is not None:
                    bound = math.sqrt(6.0 / sum(weight.shape))
                    weight.uniform_(-bound, bound, generator=generator)
            # A target of 1 has an infinite logit; 0.99 keeps the sigmoid out of saturation.
            self.bias.fill_(math.log(min(density, 0.99) / (1 - min(density, 0.99))))

    @classmethod
    def like(cls, other: "Gater") -> "Gater":
        """Return an uninitialised gater of the same shape, on the CPU."""
        carried = 0 if other.carried_weight is None else other.carried_weight.shape[1]
        return cls(other.weight.shape[1], other.weight.shape[0], carried)

    def forward(self, seen: Tensor, of_input: Tensor | None = None) -> Tensor:
        """Map ``[B, features + carried]`` to logits ``[B, blocks]``; ``of_input`` is :meth:`of_input`, if known."""
        if self.carried_weight is None:
            return self.of_input(seen)
        x, state = seen.split([self.weight.shape[1], self.carried_weight.shape[1]], dim=1)
        of_input = self.of_input(x) if of_input is None else of_input
        return of_input + nn.functional.linear(state, self._used(self.carried_weight))

    def of_input(self, x: Tensor) -> Tensor:
        """Return the part of the logits that an input ``[B, features]`` makes, bias included, ``[B, blocks]``."""
        return nn.functional.linear(x, self.used_weight, self.bias)

    def at(self, seen: Tensor, indices: Tensor) -> Tensor:
        """Return the logits at ``indices`` ``[B, m]`` only, ``[B, m]``."""
        weight = self.used_weight
        if self.carried_weight is not None:
            weight = torch.cat([weight, self._used(self.carried_weight)], dim=1)
        return torch.einsum("bf,bmf->bm", seen, weight[indices]) + self.bias[indices]

    @property
    def used_weight(self) -> Tensor:
        """``[blocks, features]``: what an input is multiplied with."""
        return self._used(self.weight)

    def _used(self, weight: Tensor) -> Tensor:
        return weight - weight.mean(dim=0) if self.centred else weight
