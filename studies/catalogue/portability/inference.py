"""What a network answers to a batch, and with which gates: on any back end, or in double precision to compare with."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from core.network.network import GatedNetwork
from core.strategy import Strategy
from core.training.batch import CountedBatch
from kernels import use_backend

# The class logits [B, classes], and per layer how often each block was computed [B, blocks].
Answer = tuple[Tensor, tuple[Tensor, ...]]
# Of a batch [B, features], with gate noise from the generator.
Classify = Callable[[Tensor, torch.Generator], Answer]


def plainly(network: GatedNetwork, strategy: Strategy, density: float) -> Classify:
    """Return the strategy's own inference, labels withheld."""

    @torch.no_grad()
    def classify(x: Tensor, noise: torch.Generator) -> Answer:
        done = strategy.infer(CountedBatch(network, x, None, noise, density=density))
        return done.output, done.executed

    return classify


def on_backend(name: str, classify: Classify) -> Classify:
    """Return ``classify`` with its back end pinned."""

    def pinned(x: Tensor, noise: torch.Generator) -> Answer:
        with use_backend(name):
            return classify(x, noise)

    return pinned


def in_double(network: GatedNetwork, strategy: Strategy, density: float) -> Classify:
    """Return the same inference on the reference back end in double precision, with the gate noise of single."""
    classify = on_backend("reference", plainly(deepcopy(network).double(), deepcopy(strategy).double(), density))

    def exact(x: Tensor, noise: torch.Generator) -> Answer:
        with _SingleNoise():
            return classify(x.double(), noise)

    return exact


def one_by_one(classify: Classify, x: Tensor, noise: torch.Generator) -> Answer:
    """Classify a batch ``[B, features]`` as batches of one."""
    logits, executed = zip(*(classify(row[None], noise) for row in x), strict=True)
    return torch.cat(logits), tuple(torch.cat(layer) for layer in zip(*executed, strict=True))


def other_gates(answer: Answer, exact: Answer) -> Tensor:
    """Return ``[B]``: in which examples another number of blocks, or other blocks, were computed."""
    layers = zip(answer[1], exact[1], strict=True)
    return torch.stack([(own != other).any(dim=1) for own, other in layers]).any(dim=0)


class _SingleNoise(TorchFunctionMode):
    """Draws in single precision what is asked for in double: from the same generator these are other numbers."""

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        kwargs = dict(kwargs or {})
        if function in (torch.rand, torch.randn) and kwargs.get("dtype") is torch.float64:
            return function(*args, **{**kwargs, "dtype": torch.float32}).double()
        return function(*args, **kwargs)
