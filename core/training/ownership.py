"""Core's own copies of what a pass came to, and what finds out that a strategy wrote to the pass it was handed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from core.network.counting import version_of
from core.network.input_products import InputProducts
from core.strategy import Pass, ProtocolError, SinglePass


@dataclass(frozen=True)
class Owned:
    """What a pass came to when core made it; the numbers of records are taken from here.

    Attributes:
        handed: the pass that the strategy was given.
        output: ``[B, classes]``, without gradients.
        executed: per layer ``[B, blocks]``.
        macs: ``[B]``.
        training_macs: ``[B]``.
        loss: ``[B]``, without gradients; None when labels are withheld.
    """

    handed: Pass
    output: Tensor
    executed: tuple[Tensor, ...]
    macs: Tensor
    training_macs: Tensor
    loss: Tensor | None
    _charged_by: tuple[Tensor, ...]
    _versions: tuple[int, ...]

    @classmethod
    def of(cls, handed: Pass) -> Self:
        """Copy a pass that was just made."""
        return cls(
            handed,
            handed.output.detach().clone(),
            tuple(layer.clone() for layer in handed.executed),
            handed.macs.clone(),
            handed.training_macs.clone(),
            None if handed.loss is None else handed.loss.detach().clone(),
            tuple(tensor.clone() for _, tensor in _charged_by(handed)),
            tuple(version_of(tensor) for _, tensor in _tensors(handed)),
        )

    def check(self) -> None:
        """Compare the handed pass with the copies.

        Raises:
            ProtocolError: a tensor of the pass was written to.
        """
        if torch.compiler.is_exporting():
            # Values are not known then.
            return
        for (name, tensor), version in zip(_tensors(self.handed), self._versions, strict=True):
            if version_of(tensor) != version:
                raise ProtocolError(f"{name} of a pass was written to in place: passes are only to be read")
        # Writing through .data leaves the version as it is.
        copies = [
            ("the output", self.handed.output.detach(), self.output),
            ("macs", self.handed.macs, self.macs),
            ("training_macs", self.handed.training_macs, self.training_macs),
            *(("executed", handed, own) for handed, own in zip(self.handed.executed, self.executed, strict=True)),
            *(
                (name, handed, own)
                for (name, handed), own in zip(_charged_by(self.handed), self._charged_by, strict=True)
            ),
        ]
        if self.loss is not None and self.handed.loss is not None:
            copies.append(("the loss", self.handed.loss.detach(), self.loss))
        for name, handed, own in copies:
            if not _same(handed, own):
                raise ProtocolError(f"{name} of a pass was written to through .data: passes are only to be read")


def _same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors hold the same numbers, NaN where the other has NaN."""
    return torch.equal(one, other) or torch.allclose(one, other, rtol=0.0, atol=0.0, equal_nan=True)


def _tensors(done: Pass) -> Iterator[tuple[str, Tensor]]:
    yield "the output", done.output
    yield "the hidden state", done.hidden
    yield "macs", done.macs
    yield "training_macs", done.training_macs
    yield from (("executed", layer) for layer in done.executed)
    if done.loss is not None:
        yield "the loss", done.loss
    for decision in done.decisions:
        yield "gates", decision.gates
        if decision.probability is not None:
            yield "probability", decision.probability
    if isinstance(done, SinglePass):
        yield from (("a layer's input", values) for values in done.inputs)
    yield from _charged_by(done)


def _charged_by(done: Pass) -> Iterator[tuple[str, Tensor]]:
    """What later calls are charged by: how many units are open, and which products are made already."""
    if not isinstance(done, SinglePass):
        return
    yield from (("read", units) for units in done.read)
    if isinstance(done.products, InputProducts):
        yield "products.computed", done.products.computed
        yield "products.opened", done.products.opened
