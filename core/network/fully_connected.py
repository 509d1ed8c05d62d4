"""The fully connected gated network, and its forward pass with one decision per gated layer."""

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, cast, final

import torch
from torch import Tensor, nn

from core.architecture import Architecture
from core.errors import InputError
from core.network.blocks import BlockLinear, Gater
from core.network.cost import PassCost
from core.network.counting import Reading
from core.network.input_products import InputProducts
from core.network.network import UNDECLARED_PASSES, GatedNetwork
from core.network.site import LayerSite, decided, open_units, wants_exact
from core.parts.gates import ROUNDING, budget
from core.strategy import Decide, Decision, Pass, ProtocolError, SinglePass, Strategy, Table
from kernels import activate, gate_blocks

if TYPE_CHECKING:
    from kernels.cpu import FusedNetwork


@final
class FullyConnectedNetwork(GatedNetwork):
    """Hidden layers of gated blocks, a gater per layer, and an ungated read-out (paper, section 2).

    ``h_l = f(W_l h_{l-1} + b_l) * g_l``, with ``g_l`` repeated over its block. A recurrent network adds ``U h_L`` of
    the previous pass to the first layer's pre-activation and shows ``h_L`` to the first gater, so that passes differ.
    """

    compiles: ClassVar[bool] = True

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

    def forward(self, x: Tensor, decide: Decide, carry: Pass | None = None) -> SinglePass:
        """Run one pass over ``x`` ``[B, features]``; the returned pass has no loss.

        Raises:
            ProtocolError: a decision does not fit its site, or ``carry`` is given to a network without recurrence.
        """
        if carry is not None and self.recurrence is None:
            raise ProtocolError(UNDECLARED_PASSES)
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
            units = open_units(carried, self.architecture.layers[-1].size)
            exact = carry is not None and any(wants_exact(decision) for decision in carry.decisions)
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
            decision = decided(decide, site)
            exact = wants_exact(decision)
            needed = open_units(decision.gates, layer.size)
            inputs.append(seen)
            decisions.append(decision)
            reads.append(read)
            if shared is not None:
                # What is left to read in full is the carried state: the input's products are charged when first made.
                read = read - x.shape[1]
                seen, known = self._first_layer(seen, in_mask, decision, exact, site, shared, cost)
            else:
                seen = self._layer(index, seen, in_mask, decision, exact)
            site.charge_scores(cost, read, differentiated)
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

    def table(self, base: SinglePass, layer: int, labels: Tensor, charge: Callable[[float], None]) -> Table:
        # Not at the top, because a table is made of this network's parts.
        from core.network.flips import ContributionTable

        return ContributionTable(self, base, layer, labels, charge)

    def for_inference(self, strategy: Strategy, density: float) -> "FusedNetwork":
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
        cost.product(read, open_units(is_open * (1 - known.opened), size), computed=open_units(missing, size))
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
