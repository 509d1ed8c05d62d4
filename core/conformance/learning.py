"""Whether what a strategy has to learn with does learn: it gets gradients, and the optimiser knows of it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from core.architecture import Architecture
from core.conformance.subject import DENSITY, STREAMS, examples_of, untrained
from core.network.blocks import Gater
from core.network.network import GatedNetwork
from core.strategy import Decision, Strategy
from core.training.batch import CountedBatch

_STEPS, _BATCH = 12, 16


def gradients(strategy_type: type[Strategy], architecture: Architecture) -> Iterator[str]:
    """Gaters that are asked for scores, and parameters of the strategy, get gradients, or are moved by the strategy."""
    short = _Short(strategy_type, architecture)
    for _ in short.steps():
        pass
    still = [str(layer) for layer in short.asked if not short.learned(f"gater {layer}")]
    if still:
        yield f"layer {', '.join(still)}: the gater is asked for scores and gets no gradient: it stays as it began"
    for name, parameter in short.strategy.named_parameters():
        if parameter.requires_grad and not short.learned(name):
            yield f"parameter {name} gets no gradient: it stays as it began"


def registered(strategy_type: type[Strategy], architecture: Architecture) -> Iterator[str]:
    """Tensors and modules that a strategy computes with are known to the optimiser and to whoever saves it."""
    short = _Short(strategy_type, architecture)
    unregistered = dict(_tensors(vars(short.strategy), short.strategy))
    if not unregistered:
        return
    used = _Used(list(unregistered.values()))
    with used:
        for _ in short.steps():
            pass
    for name, values in unregistered.items():
        if values.requires_grad:
            yield f"{name} is no registered parameter and is not trained: wrap it in nn.Parameter, or nn.ModuleList"
        elif any(values is each for each in used.found):
            yield f"{name} is a tensor that is not registered: make it a parameter, or register_buffer, to be saved"


def exact_gates(strategy_type: type[Strategy], architecture: Architecture) -> Iterator[str]:
    """Closed gates that want a gradient are given their true one."""
    short = _Short(strategy_type, architecture)
    layers, found = len(architecture.layers), set()
    for decisions in short.steps():
        for number, decision in enumerate(decisions):
            if decision.gate_grad == "open" and short.reaches_closed_gates(decision):
                found.add(number % layers)
    if found:
        where = ", ".join(str(layer) for layer in sorted(found))
        yield (
            f"layer {where}: closed gates depend on what is learned and gate_grad is 'open', so that they get the "
            "gradient 0 for their true one: ask for gate_grad='exact', or detach them"
        )


class _Short:
    """A training of a few steps, looked at from inside.

    Attributes:
        strategy: that is trained.
        asked: layers whose gater was asked for scores.
    """

    def __init__(self, strategy_type: type[Strategy], architecture: Architecture) -> None:
        architecture = strategy_type.reshape(architecture, DENSITY)
        self._network, self.strategy = untrained(strategy_type, architecture)
        self.asked: set[int] = set()
        self._parameters: dict[str, list[nn.Parameter]] = {
            name: [parameter] for name, parameter in self.strategy.named_parameters()
        }
        for layer, part in enumerate(self._network.gaters):
            gater = cast(Gater, part)
            self._parameters[f"gater {layer}"] = list(gater.parameters())
            self._note_asking(layer, gater)
        self._before = {name: [each.detach().clone() for each in parts] for name, parts in self._parameters.items()}
        self._with_gradient: set[str] = set()

    def steps(self) -> Iterator[Sequence[Decision]]:
        """Train, and give the decisions of each step's passes."""
        data = examples_of(self._network.architecture).train
        noise = STREAMS.torch("gates", "train")
        everything = [*self._network.parameters(), *self.strategy.parameters()]
        optimizer = torch.optim.SGD(everything, lr=0.05)
        self.strategy.train()
        for step in range(_STEPS):
            rows = slice(step * _BATCH % len(data.y), step * _BATCH % len(data.y) + _BATCH)
            batch = _Seen(self._network, data.x[rows], data.y[rows], noise, step / _STEPS)
            objective, _ = self.strategy.objective(batch)
            yield batch.decisions
            optimizer.zero_grad()
            objective.backward()
            for name, parts in self._parameters.items():
                if any(part.grad is not None and bool(part.grad.any()) for part in parts):
                    self._with_gradient.add(name)
            optimizer.step()

    def learned(self, name: str) -> bool:
        """Whether something got a gradient, or was moved by the strategy itself."""
        moved = any(
            not torch.equal(now, then) for now, then in zip(self._parameters[name], self._before[name], strict=True)
        )
        return name in self._with_gradient or moved

    def reaches_closed_gates(self, decision: Decision) -> bool:
        """Whether a closed gate has a gradient to a parameter, of the strategy or of a gater."""
        closed = decision.gates == 0
        if not decision.gates.requires_grad or not bool(closed.any()):
            return False
        parameters = [part for parts in self._parameters.values() for part in parts if part.requires_grad]
        # Weighed at random, so that gates that sum to a constant do not pass for constant ones.
        weights = torch.rand(closed.shape, generator=STREAMS.torch("weights")) + 0.5
        found = torch.autograd.grad(
            (decision.gates * closed * weights).sum(), parameters, retain_graph=True, allow_unused=True
        )
        return any(gradient is not None and bool((gradient != 0).any()) for gradient in found)

    def _note_asking(self, layer: int, gater: Gater) -> None:
        gater.register_forward_hook(lambda *_: self.asked.add(layer))
        at = gater.at

        def noted(seen: Tensor, indices: Tensor) -> Tensor:
            self.asked.add(layer)
            return at(seen, indices)

        gater.at = noted  # type: ignore[method-assign]


class _Seen(CountedBatch):
    """A training batch that keeps the decisions of its passes."""

    def __init__(
        self, network: GatedNetwork, x: Tensor, labels: Tensor, noise: torch.Generator, progress: float
    ) -> None:
        super().__init__(network, x, labels, noise, density=DENSITY, progress=progress)

    @property
    def decisions(self) -> list[Decision]:
        return [decision for made in self._passes for decision in made.handed.decisions]


class _Used(TorchDispatchMode):
    """Which of some tensors are read inside its ``with`` statement."""

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._tensors = tensors
        self.found: list[Tensor] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        for arg in torch.utils._pytree.tree_leaves((args, kwargs)):
            if isinstance(arg, Tensor) and any(arg is each for each in self._tensors):
                self.found.append(arg)
        return func(*args, **(kwargs or {}))


def _tensors(attributes: Mapping[str, Any], strategy: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Leaf tensors of floating point in attributes, lists and dictionaries, that are not registered; by name."""
    known = {id(part) for part in (*strategy.parameters(), *strategy.buffers())}
    for name, value in attributes.items():
        if name.startswith("_") and name in vars(nn.Module()):
            continue
        for where, values in _inside(name, value, depth=3):
            if values.is_leaf and values.is_floating_point() and id(values) not in known:
                yield where, values


def _inside(name: str, value: Any, depth: int) -> Iterator[tuple[str, Tensor]]:
    if isinstance(value, Tensor):
        yield name, value
    elif isinstance(value, nn.Module):
        yield from ((f"{name}.{part}", values) for part, values in value.named_parameters())
    elif depth and isinstance(value, list | tuple):
        for number, each in enumerate(value):
            yield from _inside(f"{name}[{number}]", each, depth - 1)
    elif depth and isinstance(value, Mapping):
        for key, each in value.items():
            yield from _inside(f"{name}[{key!r}]", each, depth - 1)
