"""The block-gated network, and its forward pass with one decision per gated layer."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn

from core.architecture import Architecture
from core.errors import InputError
from core.network.blocks import BlockLinear, Gater
from core.network.cost import PassCost
from core.network.counting import Reading, run_charged, version_of
from core.network.input_products import InputProducts
from core.network.uncharged import charged, deciding, watching
from core.parts.gates import ROUNDING, budget
from core.strategy import Decide, Decision, Pass, ProtocolError, SinglePass, Strategy
from kernels import activate, gate_blocks

if TYPE_CHECKING:
    from kernels.cpu import FusedNetwork


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

    def set_gater_biases(self, value: float) -> None:
        """Let all gaters' biases start from ``value``."""
        with torch.no_grad():
            for gater in self.gaters:
                cast(Gater, gater).bias.fill_(value)

    def centre_scores(self, centred: bool) -> None:
        """Let all gaters use their weights less the mean over blocks, see :class:`core.network.blocks.Gater`."""
        for gater in self.gaters:
            cast(Gater, gater).centred = centred

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
        known: InputProducts | None = None
        if self.recurrence is not None:
            known = self._known(x, carry)
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
        readings: list[Reading] = []
        for index, layer in enumerate(self.architecture.layers):
            shared = known if index == 0 else None
            readings.append(Reading(seen, read, differentiated))
            gater = cast(Gater, self.gaters[index])
            site = LayerSite(index, seen, gater, readings, cost, shared.scores if shared else None)
            decision = _decided(decide, site)
            exact = _exact(decision)
            needed = _units(decision.gates, layer.size)
            inputs.append(seen)
            decisions.append(decision)
            reads.append(read)
            if shared is not None:
                # What is left to read in full is the carried state: the input's products are charged when first made.
                read = read - x.shape[1]
                seen, known = self._first_layer(seen, in_mask, decision, exact, site, shared, cost)
            else:
                seen = self._layer(index, seen, in_mask, decision, exact)
            if site.scored:
                cost.product(read, site.scored, differentiated=differentiated if site.differentiated else 0)
            if site.scored_twice:
                cost.repeat(read, layer.blocks)
            cost.product(read, needed, computed=layer.units if exact else None, differentiated=differentiated)
            in_mask = None if exact else decision.gates != 0
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
            products=known,
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
        thresholds = rule.thresholds or (0.0,) * len(self.layers)
        for layer, gater, threshold in zip(self.layers, self.gaters, thresholds, strict=True):
            layer, gater = cast(BlockLinear, layer), cast(Gater, gater)
            assert layer.bias is not None
            blocks = layer.weight.shape[0]
            top = budget(blocks, density)
            if rule.kind == "top" and abs(top - density * blocks) > ROUNDING:
                raise InputError(
                    f"{strategy.name()} draws how many of {blocks} blocks it opens, since {density:.3g} of them is no "
                    "whole number: run infer instead"
                )
            layers.append(FusedLayer(layer.weight, layer.bias, gater.used_weight, gater.bias - threshold, top))
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
        gate_grad = "exact" if exact else "open"
        return cast(Tensor, self.layers[index](seen, in_mask, decision.gates, self.architecture.activation, gate_grad))

    def _first_layer(
        self,
        seen: Tensor,
        in_mask: Tensor | None,
        decision: Decision,
        exact: bool,
        site: LayerSite,
        known: InputProducts,
        cost: PassCost,
    ) -> tuple[Tensor, InputProducts]:
        """Return the first layer's gated output where a state may be carried, and all products with the input so far.

        Those that are made here for the first time, of the gater's scores and of blocks, are charged.
        """
        layer, size = cast(BlockLinear, self.layers[0]), self.architecture.layers[0].size
        x, state = seen.split([self.architecture.features, self.architecture.layers[-1].units], dim=1)
        read = cost.macs.new_full(cost.macs.shape, x.shape[1])
        is_open = (decision.gates != 0).to(seen.dtype)
        computed = torch.ones_like(is_open) if exact else is_open
        missing = computed * (1 - known.computed)
        cost.product(read, _units(is_open * (1 - known.opened), size), computed=_units(missing, size))
        # Single scores are computed in full each time.
        if known.scores is None or not site.scored_all:
            cost.product(read, site.scored)
        units = known.units + layer(x, None, missing)
        assert self.recurrence is not None
        z = units + self.recurrence(state, in_mask, None if exact else is_open)
        hidden = gate_blocks(activate(z, self.architecture.activation), decision.gates, "exact" if exact else "open")
        products = InputProducts(
            site.input_scores,
            units,
            torch.maximum(known.computed, computed),
            torch.maximum(known.opened, is_open),
            torch.is_grad_enabled(),
        )
        return hidden, products

    def _known(self, x: Tensor, carry: Pass | None) -> InputProducts:
        """Return the products with the input that the carried pass knows, as far as this pass may use them."""
        known = carry.products if isinstance(carry, SinglePass) else None
        if isinstance(known, InputProducts) and known.usable(x.shape[0]):
            return known
        first = self.architecture.layers[0]
        return InputProducts.none(x, first.blocks, first.units)

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


def _decided(decide: Decide, site: LayerSite) -> Decision:
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
