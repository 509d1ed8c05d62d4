"""Where a strategy decides, and what it may decide there."""

from collections.abc import Sequence
from typing import cast

import torch
from torch import Tensor, nn

from core.network.blocks import Gater
from core.network.cost import PassCost
from core.network.counting import Reading, run_charged, version_of
from core.network.uncharged import charged, deciding, watching
from core.strategy import Decide, Decision, ProtocolError


class LayerSite:
    """One gated layer in one pass; scores are computed when first asked for, and only then charged.

    Args:
        index: the layer.
        hidden: its input.
        gater: scores its blocks.
        readings: what is known of this input and of those of the layers below.
        cost: is charged for modules of the strategy's own; None where nothing is accounted for.
        input_scores: see below; None where they are not known yet.

    Attributes:
        input_scores: ``[B, blocks]``, what the gater makes of the network's input alone, where it sees a carried state
            too; from an earlier pass, or computed with the first scores.
    """

    def __init__(
        self,
        index: int,
        hidden: Tensor,
        gater: Gater,
        readings: Sequence[Reading] = (),
        cost: PassCost | None = None,
        input_scores: Tensor | None = None,
    ) -> None:
        self.index = index
        self.hidden = hidden
        self._readings = readings
        self._cost = cost
        self.blocks = gater.bias.shape[0]
        self.input_scores = input_scores
        self._gater = gater
        self._scores: Tensor | None = None
        self._scores_detached: Tensor | None = None
        self._single_scores = 0

    @property
    def scores(self) -> Tensor:
        if self._scores is None:
            with charged():
                self._scores = self._logits(self.hidden)
        return self._scores

    @property
    def scores_detached(self) -> Tensor:
        if not self.hidden.requires_grad:
            return self.scores
        if self._scores_detached is None:
            with charged():
                self._scores_detached = self._logits(self.hidden.detach())
        return self._scores_detached

    def scores_at(self, indices: Tensor) -> Tensor:
        self._single_scores += indices.shape[1]
        with charged():
            return self._gater.at(self.hidden, indices)

    def map(self, module: nn.Module, *inputs: Tensor) -> Tensor:
        inputs = inputs or (self.hidden,)
        if self._cost is None:
            return cast(Tensor, module(*inputs))
        with charged():
            return run_charged(module, inputs, self._readings, self._cost)

    def _logits(self, hidden: Tensor) -> Tensor:
        if self._gater.carried_weight is not None and self.input_scores is None:
            self.input_scores = self._gater.of_input(self.hidden[:, : self._gater.weight.shape[1]])
        logits: Tensor = self._gater(hidden, self.input_scores)
        return logits

    def charge_scores(self, cost: PassCost, read: Tensor, differentiated: Tensor) -> None:
        """Charge the gater for the logits that were asked for.

        Args:
            cost: of the pass.
            read: ``[B]``, how many units of the input are open.
            differentiated: ``[B]``, how many of them receive a gradient.
        """
        if self.scored:
            cost.product(read, self.scored, differentiated=differentiated if self.differentiated else 0)
        if self.scored_twice:
            cost.repeat(read, self.blocks)

    @property
    def scored(self) -> int:
        """How many logits were computed for each example: all blocks' if all were asked for, else the single ones."""
        return self.blocks if self.scored_all else self._single_scores

    @property
    def scored_all(self) -> bool:
        """Whether all blocks' logits were asked for."""
        return self._scores is not None or self._scores_detached is not None

    @property
    def scored_twice(self) -> bool:
        """Whether the logits were computed both with and without a gradient to :attr:`hidden`."""
        return self._scores is not None and self._scores_detached is not None

    @property
    def differentiated(self) -> bool:
        """Whether the scores can send a gradient to :attr:`hidden`."""
        return self._scores is not None or self._single_scores > 0


def wants_exact(decision: Decision) -> bool:
    """Return whether closed blocks are computed too, for their gates' true gradient."""
    return decision.gate_grad == "exact" and torch.is_grad_enabled()


def open_units(gates: Tensor, size: int) -> Tensor:
    """Return ``[rows]`` float64: how many units are open, with ``size`` to a block."""
    return (gates != 0).sum(dim=1, dtype=torch.float64) * size


def decided(decide: Decide, site: LayerSite) -> Decision:
    """Return a strategy's decision, if it fits its site and the strategy left the layer's input as it was."""
    version = version_of(site.hidden)
    before = site.hidden.clone() if watching() else None
    with deciding(site.hidden.shape[0], site.blocks):
        decision = decide(site)
    if version_of(site.hidden) != version or (before is not None and not _equal(before, site.hidden)):
        raise ProtocolError(f"layer {site.index}: decide wrote in place to site.hidden, which is only to be read")
    return _checked(decision, site)


def _equal(one: Tensor, other: Tensor) -> bool:
    return bool(torch.isclose(one, other, rtol=0.0, atol=0.0, equal_nan=True).all())


def _checked(decision: Decision, site: LayerSite) -> Decision:
    if not isinstance(decision, Decision):
        raise ProtocolError(f"layer {site.index}: decide returned {type(decision).__name__}, expected a Decision")
    shape = (site.hidden.shape[0], site.blocks)
    for name, tensor in (("gates", decision.gates), ("probability", decision.probability)):
        if tensor is None:
            continue
        if tensor.shape != shape or tensor.dtype != site.hidden.dtype:
            raise ProtocolError(
                f"layer {site.index}: {name} are {tensor.dtype} {list(tensor.shape)}, "
                f"expected {site.hidden.dtype} {list(shape)}"
            )
    return decision
