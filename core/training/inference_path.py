"""What a trained network does at test time as one module, and as a program that PyTorch runs without this package."""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from typing import Any

import torch
from torch import Tensor, nn
from torch.export import Dim, ExportedProgram
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from core.errors import InputError, one_line
from core.network.network import GatedNetwork
from core.strategy import Strategy
from core.training.batch import CountedBatch
from kernels import use_backend

# How far scores may lie apart that are the same but for rounding, relative to the largest of all.
ROUNDING = 1e-4
# Examples that an export is traced with; the number of examples of the program is free.
_TRACED = 3


class InferencePath(nn.Module):
    """Features or letters as the dataset has them to class scores, as the strategy infers them at test time.

    Args:
        network: trained.
        strategy: that it was trained with.
        density: the target share of open blocks.
        mean: what the training examples' features were normalised by; likewise ``std``.
        std: by which they were divided then.
        generator: gate noise.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        network: GatedNetwork,
        strategy: Strategy,
        *,
        density: float,
        mean: float,
        std: float,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.network = network
        self.strategy = strategy
        self.density = density
        self.generator = generator
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32))
        self.register_buffer("std", torch.tensor(std, dtype=torch.float32))

    def forward(self, x: Tensor) -> Tensor:
        """Return scores ``[N, classes]`` of examples ``[N, features]``, of sequences ``[N * positions, classes]``."""
        seen = (x - self.mean) / self.std if x.is_floating_point() else x
        return self.strategy.infer(CountedBatch(self.network, seen, None, self.generator, density=self.density)).output


@torch.no_grad()
def drawn_anew(path: nn.Module, *inputs: Tensor) -> bool:
    """Whether scores of examples ``[N, ...]`` are others each time that they are asked for."""
    first, second = (tree_leaves(path(*inputs)) for _ in range(2))
    return not all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


def exported(path: InferencePath, examples: Tensor) -> ExportedProgram:
    """Return the inference path as a program of PyTorch's own operations, for any number of examples.

    Every block is computed in it, closed ones are multiplied by 0, and every pass is run that there can be: it gives
    the strategy's answers, and saves nothing.

    Args:
        path: on the CPU, in evaluation mode; its generator is drawn from.
        examples: ``[N, features]`` on which the program has to give the strategy's own scores, at least one.

    Raises:
        InputError: the scores depend on noise, PyTorch cannot export them, or the program gives others.
    """
    return exported_program(path, (examples,), path.strategy.name())


def exported_program(path: nn.Module, inputs: tuple[Tensor, ...], name: str) -> ExportedProgram:
    """Return any inference path as a program, see :func:`exported`.

    Args:
        path: returns tensors, each of the examples.
        inputs: of the path, ``[N, ...]`` each, at least one example.
        name: of the strategy, for messages.

    Raises:
        InputError: see there.
    """
    if drawn_anew(path, *inputs):
        raise InputError(
            f"{name}: cannot be exported: its test gates are drawn anew each time; nothing is drawn where a rule "
            "such as threshold sets them, at a density of a whole number of blocks"
        )
    program: ExportedProgram
    with torch.no_grad(), use_backend("reference"):
        expected = path(*inputs)
        traced = tuple(each[:1].expand(_TRACED, *each.shape[1:]).clone() for each in inputs)
        number = Dim("N")
        try:
            with _quietly():
                program = torch.export.export(
                    _Undrawn(path).eval(), traced, dynamic_shapes=(tuple({0: number} for _ in inputs),)
                )
                # Without what only counts multiply-adds.
                program = program.run_decompositions({})
        except Exception as error:
            raise InputError(f"{name}: cannot be exported: torch.export says {one_line(error)}") from None
        with _quietly():
            found = program.module()(*inputs)
    for own, theirs in zip(tree_leaves(found), tree_leaves(expected), strict=True):
        tolerance = float(ROUNDING * theirs.abs().max())
        if not torch.allclose(own, theirs, rtol=0.0, atol=tolerance, equal_nan=True):
            wrong = int(((own - theirs).abs() > tolerance).flatten(1).any(dim=1).sum())
            raise InputError(
                f"{name}: cannot be exported: the exported program gives other scores for {wrong} of {len(theirs)} "
                "examples, so that what it computes depends on more than PyTorch has traced"
            )
    return program


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep what PyTorch warns of in itself, and pages on a network that cannot be traced, from the terminal."""
    disabled = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(disabled)


class _Undrawn(nn.Module):
    """A path that draws nothing: zeros stand for noise, which has been found to change no score."""

    def __init__(self, path: nn.Module) -> None:
        super().__init__()
        self.path = path

    def forward(self, *inputs: Tensor) -> Any:
        with _WithoutNoise():
            return self.path(*inputs)


class _WithoutNoise(TorchFunctionMode):
    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        if func in (torch.rand, torch.randn):
            kwargs.pop("generator", None)
            return torch.zeros(*args, **kwargs)
        return func(*args, **kwargs)
