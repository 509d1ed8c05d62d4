"""One pass over a module: the gates of its pairs are decided, used and charged while the module runs."""

from contextlib import nullcontext
from typing import Any, cast

import torch
from torch import Tensor, nn

from core.errors import InputError
from core.modules.architecture import ModuleArchitecture, Pair
from core.modules.products import Products
from core.network.blocks import Gater
from core.network.cost import PassCost
from core.network.counting import Reading
from core.network.site import LayerSite, decided, open_units, wants_exact
from core.strategy import Decide, Decision
from kernels import block_linear


class Running:
    """Where the layers of pairs find the pass that is run.

    Attributes:
        current: that pass; None outside of one.
    """

    def __init__(self) -> None:
        self.current: ModulePass | None = None

    def now(self, pair: Pair) -> "ModulePass":
        """Return the pass that is run.

        Raises:
            InputError: there is none.
        """
        if self.current is None:
            raise InputError(
                f"{', '.join(pair.firsts)} and {pair.second} are gated, and run only inside the gated model: call the "
                "model that gate() returned, or its objective(); dense() is the model without gates"
            )
        return self.current


class ModulePass:
    """What becomes of the pairs of a module while it runs once.

    Args:
        architecture: whose pairs run in this order, each once.
        gaters: one for each pair.
        decide: the strategy's callback.
        examples: that the module runs on, copies counted.
        products: counts the rest of the module, and is paused inside pairs; None where nothing is counted.

    Attributes:
        decisions: one for each pair that has run.
        inputs: of the pairs ``[rows, features]``, and of the second layer of the last one ``[rows, units]``.
        read: ``[rows]`` float64 for each of these, how many of its units are open.
        macs: ``[examples]`` float64, multiply-adds of the pairs.
        training_macs: likewise, of the computation and, where gradients are on, of its backward.
    """

    def __init__(
        self,
        architecture: ModuleArchitecture,
        gaters: nn.ModuleList,
        decide: Decide,
        examples: int,
        device: torch.device,
        products: Products | None = None,
    ) -> None:
        self.decisions: list[Decision] = []
        self.inputs: list[Tensor] = []
        self.read: list[Tensor] = []
        self.macs = torch.zeros(examples, dtype=torch.float64, device=device)
        self.training_macs = torch.zeros_like(self.macs)
        self._pairs = architecture.pairs
        self._gaters = gaters
        self._decide = decide
        self._examples = examples
        self._products = products
        self._readings: list[Reading] = []
        self._open: dict[int, tuple[LayerSite, PassCost | None, Tensor]] = {}
        self._missing = [list(pair.firsts) for pair in architecture.pairs]
        self._last: tuple[Tensor, Tensor] | None = None

    def first(self, index: int, name: str, x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Return what a first layer gives, ``[..., units]``: 0 in closed blocks, open ones unscaled.

        The first layer of a pair that runs has the strategy decide.

        Raises:
            InputError: it is not this layer's turn, or the rows of ``x`` are not those of the examples.
        """
        pair = self._pairs[index]
        if index > len(self.decisions) or name not in self._missing[index]:
            raise InputError(self._out_of_turn(index, name))
        self._missing[index].remove(name)
        fits = x.dim() > 1 and x.shape[-1] == pair.features
        if not fits or (not torch.compiler.is_compiling() and x.shape[0] % self._examples):
            raise InputError(
                f"{name}: its input is {list(x.shape)}, expected [N, ..., {pair.features}] with the "
                f"{self._examples} examples first, or a multiple of them, example by example"
            )
        with self._aside(), _Uncast(x, weight) as uncast:
            rows = uncast.reshape(-1, pair.features)
            if index == len(self.decisions):
                self._decide_for(index, rows)
            decision = self.decisions[index]
            if rows.shape[0] != decision.gates.shape[0]:
                raise InputError(
                    f"{name}: its input has {rows.shape[0]} rows, expected {decision.gates.shape[0]} like that of the "
                    f"other first layers of {pair.second}"
                )
            computed = None if wants_exact(decision) else decision.gates != 0
            hidden = block_linear(rows, weight, bias, None, computed, backend=_backend())
        return _to_be_written_to(hidden).view(*x.shape[:-1], pair.units)

    def second(self, index: int, hidden: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        """Return what a pair adds up to, ``[..., outputs]``, from its hidden units after the module's own function.

        Raises:
            InputError: the first layer did not run before, or had other rows.
        """
        pair = self._pairs[index]
        if index not in self._open or self._missing[index]:
            absent = ", ".join(self._missing[index] or [pair.first])
            raise InputError(f"{pair.second} runs without {absent} before it, or twice: a pair runs once in a pass")
        site, cost, differentiated = self._open.pop(index)
        decision = self.decisions[index]
        if hidden.shape[-1] != pair.units or hidden.numel() != decision.gates.shape[0] * pair.units:
            raise InputError(
                f"{pair.second}: its input is {list(hidden.shape)}, expected the {decision.gates.shape[0]} rows of "
                f"{pair.units} units that {pair.first} gave"
            )
        with self._aside(), _Uncast(hidden, weight) as uncast:
            rows = uncast.reshape(-1, pair.units)
            exact = wants_exact(decision)
            added = block_linear(
                rows, weight, bias, decision.gates, backend=_backend(), gate_grad="exact" if exact else "open"
            )
            needed = open_units(decision.gates, pair.size)
            if cost is not None:
                self._charge(pair, site, cost, needed, differentiated, exact=exact)
            if index == len(self._pairs) - 1:
                self._last = rows, needed
        return _to_be_written_to(added).view(*hidden.shape[:-1], pair.outputs)

    def finish(self) -> None:
        """Close the pass.

        Raises:
            InputError: a pair did not run.
        """
        if len(self.decisions) < len(self._pairs):
            missing = self._pairs[len(self.decisions)]
            raise InputError(
                f"{missing.first} did not run in this pass: every pair that is gated runs once in each pass, through "
                "the modules themselves"
            )
        if self._open:
            missing = self._pairs[min(self._open)]
            raise InputError(f"{missing.second} did not run after {missing.first} in this pass")
        assert self._last is not None
        last, needed = self._last
        self.inputs.append(last)
        self.read.append(needed)

    def _decide_for(self, index: int, rows: Tensor) -> None:
        """Ask the strategy for a pair's gates by its input ``[rows, features]``."""
        whole = rows.new_full((rows.shape[0],), self._pairs[index].features, dtype=torch.float64)
        self._readings.append(Reading(rows, whole, whole * rows.requires_grad))
        # What is compiled is not charged, and counting would cut its graph.
        cost = None if torch.compiler.is_compiling() else PassCost(rows.shape[0], rows.device)
        site = LayerSite(index, rows, cast(Gater, self._gaters[index]), self._readings, cost)
        self.decisions.append(decided(self._decide, site))
        self.inputs.append(rows)
        self.read.append(whole)
        self._open[index] = site, cost, whole * rows.requires_grad

    def _charge(
        self, pair: Pair, site: LayerSite, cost: PassCost, needed: Tensor, differentiated: Tensor, *, exact: bool
    ) -> None:
        read = self.read[site.index]
        site.charge_scores(cost, read, differentiated)
        for _ in pair.firsts:
            cost.product(read, needed, computed=pair.units if exact else None, differentiated=differentiated)
        cost.product(needed, pair.outputs, differentiated=pair.units if exact else needed)
        self.macs += cost.macs.view(self._examples, -1).sum(dim=1)
        self.training_macs += cost.training_macs.view(self._examples, -1).sum(dim=1)

    def _aside(self) -> "nullcontext[None] | Products.Pause":
        return nullcontext() if self._products is None else self._products.pause()

    def _out_of_turn(self, index: int, name: str) -> str:
        if index < len(self.decisions):
            return f"{name} runs twice in one pass: a pair that is gated runs once in each pass"
        expected = self._pairs[len(self.decisions)]
        return (
            f"{name} runs before {expected.first}: name the pairs in the order in which the model runs them, "
            "each of which runs once in a pass"
        )


def _backend() -> str:
    # An exported program is to run without this package.
    return "reference" if torch.compiler.is_exporting() else "auto"


def _to_be_written_to(values: Tensor) -> Tensor:
    """Return values that the model may write to in place, as ``nn.ReLU(inplace=True)`` does, before their backward."""
    return values.clone() if values.requires_grad else values


class _Uncast:
    """Gives an input in the weight's own precision where autocasting is on, and switches that off.

    Gates are decided in one precision, and the kernels take one.
    """

    def __init__(self, x: Tensor, weight: Tensor) -> None:
        self._x, self._weight = x, weight
        self._casting = torch.autocast(x.device.type, enabled=False) if _is_autocast(x) else None

    def __enter__(self) -> Tensor:
        if self._casting is None:
            return self._x
        self._casting.__enter__()
        return self._x.to(self._weight.dtype)

    def __exit__(self, *error: Any) -> None:
        if self._casting is not None:
            self._casting.__exit__(*error)


def _is_autocast(x: Tensor) -> bool:
    return torch.amp.is_autocast_available(x.device.type) and torch.is_autocast_enabled(x.device.type)
