"""The two layers that stand for a pair of linear ones: weights in block layout, gates from the pass that is run."""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn

from core.modules.architecture import Pair
from core.modules.running import Running


class GatedLinear(nn.Module, ABC):
    """One layer of a pair; its weights are those of the linear layer that it stands for, in block layout.

    Args:
        linear: is left as it is.
        name: of it, in the model.
        pair: that it is of.
        index: of that pair, among those of the model.
        running: where the pass that is run is found.
    """

    def __init__(self, linear: nn.Linear, name: str, pair: Pair, index: int, running: Running) -> None:
        super().__init__()
        self.in_features, self.out_features = linear.in_features, linear.out_features
        self.pair = pair
        self._name = name
        self._index = index
        self._running = running
        layout = self._layout(linear.weight.detach(), pair).contiguous()
        self.weight = nn.Parameter(layout.clone(), requires_grad=linear.weight.requires_grad)
        self.bias: nn.Parameter | None = None
        if linear.bias is not None:
            self.bias = nn.Parameter(linear.bias.detach().clone(), requires_grad=linear.bias.requires_grad)

    @torch.no_grad()
    def linear(self) -> nn.Linear:
        """Return an ordinary linear layer with these weights."""
        weight = self._matrix(self.weight)
        made: nn.Linear = nn.utils.skip_init(
            nn.Linear,
            self.in_features,
            self.out_features,
            bias=self.bias is not None,
            device=weight.device,
            dtype=weight.dtype,
        )
        made.weight.copy_(weight).requires_grad_(self.weight.requires_grad)
        if self.bias is not None:
            made.bias.copy_(self.bias).requires_grad_(self.bias.requires_grad)
        made.train(self.training)
        return made

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"

    @staticmethod
    @abstractmethod
    def _layout(weight: Tensor, pair: Pair) -> Tensor:
        """Return a matrix ``[out_features, in_features]`` as ``[out_blocks, in_blocks, in_size, out_size]``."""

    @staticmethod
    @abstractmethod
    def _matrix(weight: Tensor) -> Tensor:
        """Return the matrix of a weight in block layout."""


class OutputGatedLinear(GatedLinear):
    """The first of a pair: computes the open blocks of hidden units, and leaves 0 in the others."""

    def forward(self, x: Tensor) -> Tensor:
        """Map ``[..., in_features]`` to ``[..., out_features]``.

        Raises:
            InputError: no pass is run, or this is not the pair's turn.
        """
        return self._running.now(self.pair).first(self._index, self._name, x, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, blocks={self.pair.blocks}"

    @staticmethod
    def _layout(weight: Tensor, pair: Pair) -> Tensor:
        return weight.view(pair.blocks, pair.size, 1, pair.features).permute(0, 2, 3, 1)

    @staticmethod
    def _matrix(weight: Tensor) -> Tensor:
        return weight.permute(0, 3, 1, 2).flatten(0, 1).flatten(1)


class InputGatedLinear(GatedLinear):
    """The second of a pair: reads the open blocks of hidden units, each times its gate."""

    def forward(self, hidden: Tensor) -> Tensor:
        """Map ``[..., in_features]`` to ``[..., out_features]``.

        Raises:
            InputError: no pass is run, or a first layer of the pair was not.
        """
        return self._running.now(self.pair).second(self._index, hidden, self.weight, self.bias)

    @staticmethod
    def _layout(weight: Tensor, pair: Pair) -> Tensor:
        return weight.view(pair.outputs, pair.blocks, pair.size).permute(1, 2, 0)[None]

    @staticmethod
    def _matrix(weight: Tensor) -> Tensor:
        return weight[0].flatten(0, 1).T
