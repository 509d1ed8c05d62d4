"""The block-gated network, and its forward pass with one decision per gated layer."""

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from core.architecture import Architecture
from core.errors import InputError
from core.network.blocks import BlockLinear, Gater
from core.network.cost import PassCost
from core.parts.gates import budget
from core.strategy import Decide, Decision, Pass, ProtocolError, SinglePass, Strategy
from kernels import activate, gate_blocks

if TYPE_CHECKING:
    from kernels.cpu import FusedNetwork


class LayerSite:
    """One gated layer in one pass; scores are computed when first asked for, and only then charged."""

    def __init__(self, index: int, hidden: Tensor, gater: Gater) -> None:
        self.index = index
        self.hidden = hidden
        self.blocks = gater.bias.shape[0]
        self._gater = gater
        self._scores: Tensor | None = None
        self._scores_detached: Tensor | None = None
        self._single_scores = 0

    @property
    def scores(self) -> Tensor:
        if self._scores is None:
            self._scores = self._gater(self.hidden)
        return self._scores

    @property
    def scores_detached(self) -> Tensor:
        if not self.hidden.requires_grad:
            return self.scores
        if self._scores_detached is None:
            self._scores_detached = self._gater(self.hidden.detach())
        return self._scores_detached

    def scores_at(self, indices: Tensor) -> Tensor:
        self._single_scores += indices.shape[1]
        return self._gater.at(self.hidden, indices)

    @property
    def scored(self) -> int:
        """How many logits were computed for each example: all blocks' if all were asked for, else the single ones."""
        everything = self._scores is not None or self._scores_detached is not None
        return self.blocks if everything else self._single_scores

    @property
    def scored_twice(self) -> bool:
        """Whether the logits were computed both with and without a gradient to :attr:`hidden`."""
        return self._scores is not None and self._scores_detached is not None

    @property
    def differentiated(self) -> bool:
        """Whether the scores can send a gradient to :attr:`hidden`."""
        return self._scores is not None or self._single_scores > 0


class GatedNetwork(nn.Module):
    """Hidden layers of gated blocks, a gater per layer, and an ungated read-out (paper, section 2).

    ``h_l = f(W_l h_{l-1} + b_l) * g_l``, with ``g_l`` repeated over its block. A recurrent network adds ``U h_L`` of
    the previous pass to the first layer's pre-activation and shows ``h_L`` to the first gater, so that passes differ.
    """

    def __init__(self, architecture: Architecture, *, recurrent: bool = False) -> None:
        super().__init__()
        self.architecture = architecture
        shapes = [(1, architecture.features), *((layer.blocks, layer.size) for layer in architecture.layers)]
        self.layers = nn.ModuleList(BlockLinear(*before, *after) for before, after in pairwise(shapes))
        self.readout = BlockLinear(*shapes[-1], 1, architecture.classes)
        self.recurrence = BlockLinear(*shapes[-1], *shapes[1], bias=False) if recurrent else None
        carried = architecture.layers[-1].units if recurrent else 0
        self.gaters = nn.ModuleList(
            Gater(blocks * size, layer.blocks, carried if index == 0 else 0)
            for index, ((blocks, size), layer) in enumerate(zip(shapes[:-1], architecture.layers, strict=True))
        )

    def reset(self, generator_for: Callable[[str], torch.Generator], density: float) -> None:
        """Initialise every part from its own generator, so that strategies start from equal parts.

        Args:
            generator_for: gives the generator of a part by its name in the network.
            density: the target share of open blocks, where the gaters' biases start.
        """
        for name, part in self.named_modules():
            if isinstance(part, Gater):
                part.reset(generator_for(name), density)
            elif isinstance(part, BlockLinear):
                part.reset(generator_for(name))

    def forward(self, x: Tensor, decide: Decide, carry: Pass | None = None) -> SinglePass:
        """Run one pass over ``x`` ``[B, features]``; the returned pass has no loss.

        Raises:
            ProtocolError: a decision does not fit its site, or ``carry`` is given to a network without recurrence.
        """
        if carry is not None and self.recurrence is None:
            raise ProtocolError("a pass is carried on from, but the strategy does not declare that it needs passes")
        cost = PassCost(x.shape[0], x.device)
        read = x.new_full((x.shape[0],), x.shape[1], dtype=torch.float64)
        # How many of a product's input units receive a gradient: none of the data, the open ones of a hidden layer,
        # and all of them after a decision whose closed gates want their exact gradient.
        differentiated = torch.zeros_like(read)
        in_mask: Tensor | None = None
        seen = x
        if self.recurrence is not None:
            state, carried = self._state(x, carry)
            seen = torch.cat([x, state], dim=1)
            units = _units(carried, self.architecture.layers[-1].size)
            exact = carry is not None and any(_exact(decision) for decision in carry.decisions)
            in_mask = None if exact else carried
            read = read + units
            differentiated = torch.full_like(units, state.shape[1]) if exact else units
        inputs: list[Tensor] = []
        decisions: list[Decision] = []
        reads: list[Tensor] = []
        for index, layer in enumerate(self.architecture.layers):
            site = LayerSite(index, seen, cast(Gater, self.gaters[index]))
            decision = _checked(decide(site), site)
            exact = _exact(decision)
            needed = _units(decision.gates, layer.size)
            inputs.append(seen)
            decisions.append(decision)
            if site.scored:
                cost.product(read, site.scored, differentiated=differentiated if site.differentiated else 0)
            if site.scored_twice:
                cost.repeat(read, layer.blocks)
            reads.append(read)
            cost.product(read, needed, computed=layer.units if exact else None, differentiated=differentiated)
            seen = self._layer(index, seen, in_mask, decision, exact)
            in_mask = None if exact else (decision.gates != 0).to(seen.dtype)
            read = needed
            differentiated = torch.full_like(read, layer.units) if exact else needed
        cost.product(read, self.architecture.classes, differentiated=differentiated)
        return SinglePass(
            decisions=tuple(decisions),
            inputs=(*inputs, seen),
            read=(*reads, read),
            hidden=seen,
            output=self.readout(seen, in_mask),
            executed=tuple((decision.gates != 0).to(x.dtype) for decision in decisions),
            macs=cost.macs,
            training_macs=cost.training_macs,
        )

    def for_inference(self, strategy: Strategy, density: float) -> "FusedNetwork":
        """Return a callable that classifies one example at a time, gaters included, in one compiled call on the CPU.

        Args:
            strategy: that the network was trained with; its rule decides.
            density: the target share of open blocks that it is told.

        Raises:
            InputError: the strategy's test gates do not follow a rule on the gater's scores alone.
            ImportError: numba is not installed.
        """
        # Not at the top, because a machine that has no numba must still train.
        from kernels.cpu import FusedLayer, FusedNetwork

        rule = strategy.gate_rule()
        if rule is None or self.recurrence is not None:
            raise InputError(f"{strategy.name()} decides by more than a rule on the gater's scores: run infer instead")
        layers = []
        for layer, gater in zip(self.layers, self.gaters, strict=True):
            layer, gater = cast(BlockLinear, layer), cast(Gater, gater)
            assert layer.bias is not None
            top = budget(layer.weight.shape[0], density)
            layers.append(FusedLayer(layer.weight, layer.bias, gater.weight, gater.bias, top))
        assert self.readout.bias is not None
        return FusedNetwork(
            layers,
            self.readout.weight,
            self.readout.bias,
            activation=self.architecture.activation,
            rule=rule.kind,
            scale=rule.scale,
        )

    def preactivation(
        self, index: int, seen: Tensor, in_mask: Tensor | None = None, out_mask: Tensor | None = None
    ) -> Tensor:
        """Return ``W h + b`` of one layer, ``[B, units]``, from what its site sees ``[B, features]``.

        Args:
            index: the layer.
            seen: the layer's input; in the first layer of a recurrent network, with the carried state behind it.
            in_mask: 0 where an input block is closed; in that first layer, where a block of the state is.
            out_mask: 0 where an output block need not be computed.
        """
        layer = cast(BlockLinear, self.layers[index])
        if index > 0 or self.recurrence is None:
            return cast(Tensor, layer(seen, in_mask, out_mask))
        x, state = seen.split([self.architecture.features, self.architecture.layers[-1].units], dim=1)
        return cast(Tensor, layer(x, None, out_mask) + self.recurrence(state, in_mask, out_mask))

    def _layer(self, index: int, seen: Tensor, in_mask: Tensor | None, decision: Decision, exact: bool) -> Tensor:
        activation = self.architecture.activation
        gate_grad = "exact" if exact else "open"
        if index > 0 or self.recurrence is None:
            return cast(Tensor, self.layers[index](seen, in_mask, decision.gates, activation, gate_grad))
        out_mask = None if exact else (decision.gates != 0).to(seen.dtype)
        hidden = activate(self.preactivation(index, seen, in_mask, out_mask), activation)
        return gate_blocks(hidden, decision.gates, "exact" if exact else "open")

    def _state(self, x: Tensor, carry: Pass | None) -> tuple[Tensor, Tensor]:
        """Return the carried hidden state ``[B, units]`` and which of its blocks are open ``[B, blocks]``."""
        last = self.architecture.layers[-1]
        if carry is None:
            return x.new_zeros(x.shape[0], last.units), x.new_zeros(x.shape[0], last.blocks)
        if carry.hidden.shape[0] != x.shape[0]:
            raise ProtocolError(f"the carried pass has {carry.hidden.shape[0]} rows, this one has {x.shape[0]}")
        return carry.hidden, (carry.executed[-1] != 0).to(x.dtype)


def _exact(decision: Decision) -> bool:
    return decision.gate_grad == "exact" and torch.is_grad_enabled()


def _units(gates: Tensor, size: int) -> Tensor:
    return (gates != 0).sum(dim=1, dtype=torch.float64) * size


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
