"""One batch of a module's examples, as a strategy sees it."""

from collections.abc import Callable, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from core.errors import InputError
from core.modules.architecture import ModuleArchitecture
from core.modules.products import Products
from core.modules.running import ModulePass, Running
from core.network.blocks import Gater
from core.network.cost import PassCost
from core.network.counting import Reading, run_charged
from core.network.uncharged import charged
from core.strategy import Decide, Pass, ProtocolError, SinglePass, Table

_FOREIGN = "the pass was not made by this batch"


class ModuleBatch:
    """The :class:`core.strategy.Batch` over examples of a module with gated pairs.

    The rows of a layer are the positions of its pair's input, sample by sample, example by example. Losses and
    multiply-adds are per example. There are no class logits: ``output`` is empty.

    Args:
        architecture: the pairs.
        gaters: one for each of them.
        running: where the layers of pairs find the pass that is run.
        run: runs the module, or losses of it, on so many copies of each example, and returns what it gives.
        examples: how many there are.
        generator: the only source of gate noise; its device is the module's.
        density: the target share of open blocks.
        progress: how far training is, from 0 to 1.
        labelled: whether ``run`` returns losses, one per example and copy.
        products: counts the rest of the module; None where nothing is counted.
    """

    def __init__(
        self,
        architecture: ModuleArchitecture,
        gaters: nn.ModuleList,
        running: Running,
        run: Callable[[int], Any],
        examples: int,
        generator: torch.Generator,
        *,
        density: float,
        progress: float = 1.0,
        labelled: bool = False,
        products: Products | None = None,
    ) -> None:
        self.generator = generator
        self.density = density
        self.progress = progress
        self._architecture = architecture
        self._gaters = gaters
        self._running = running
        self._run = run
        self._examples = examples
        self._labelled = labelled
        self._products = products
        self._passes: list[tuple[SinglePass, Any]] = []
        self._projected_macs = 0.0

    def __call__(self, decide: Decide, carry: Pass | None = None, samples: int = 1) -> SinglePass:
        """See :meth:`core.strategy.Batch.__call__`."""
        if carry is not None:
            raise ProtocolError(f"network {self._architecture.network} carries no state from pass to pass")
        if samples < 1:
            raise ProtocolError(f"samples is {samples}, expected at least 1")
        if self._running.current is not None:
            raise ProtocolError("a pass is run inside of another")
        with charged():
            rows = samples * self._examples
            device = cast(Gater, self._gaters[0]).bias.device
            current = ModulePass(self._architecture, self._gaters, decide, rows, device, self._products)
            self._running.current = current
            try:
                returned = self._run(samples)
            finally:
                self._running.current = None
            current.finish()
        last = current.inputs[-1]
        done = SinglePass(
            decisions=tuple(current.decisions),
            inputs=tuple(current.inputs),
            read=tuple(current.read),
            hidden=last,
            output=last.new_empty(rows, 0),
            executed=tuple((decision.gates != 0).to(last.dtype) for decision in current.decisions),
            macs=current.macs,
            training_macs=current.training_macs,
            loss=_checked(returned, self._examples, samples) if self._labelled else None,
            samples=samples,
        )
        self._passes.append((done, returned))
        return done

    def cost_to_go(self, done: SinglePass) -> tuple[Tensor, ...]:
        """See :meth:`core.strategy.Batch.cost_to_go`: a layer's gates at any position change their example's loss.

        That loss is multiplied by the number of positions, since a mean over rows divides by it.
        """
        if done.loss is None:
            raise ProtocolError("labels are withheld: this pass has no loss")
        self.position(done)
        loss = done.loss.detach().unflatten(0, (done.samples, -1))[:, :, None]
        by_positions: dict[int, Tensor] = {}
        for decision in done.decisions:
            positions = decision.gates.shape[0] // len(done.loss)
            if positions not in by_positions:
                by_positions[positions] = (positions * loss).expand(-1, -1, positions)
        return tuple(by_positions[decision.gates.shape[0] // len(done.loss)] for decision in done.decisions)

    def table(self, base: SinglePass, layer: int) -> Table:
        """See :meth:`core.strategy.Batch.table`."""
        raise ProtocolError(f"network {self._architecture.network} has no flips")

    def flips(self, base: SinglePass, layer: int) -> Tensor:
        """See :meth:`core.strategy.Batch.flips`."""
        raise ProtocolError(f"network {self._architecture.network} has no flips")

    def mix(self, passes: Sequence[Pass], weights: Tensor) -> Pass:
        """See :meth:`core.strategy.Batch.mix`."""
        raise ProtocolError(f"network {self._architecture.network} has no passes to mix")

    def project(self, done: SinglePass, module: nn.Module, layer: int = -1) -> Tensor:
        """See :meth:`core.strategy.Batch.project`."""
        self.position(done)
        if torch.compiler.is_compiling():
            # What is compiled is not charged.
            return cast(Tensor, module(done.inputs[layer]))
        with charged():
            read, seen = done.read[layer], done.inputs[layer]
            cost = PassCost(seen.shape[0], seen.device)
            values = run_charged(module, [seen], [Reading(seen, read, read)], cost)
            self._projected_macs += float(cost.macs.sum())
            return values

    def position(self, wanted: Pass) -> int:
        """Return which of this batch's passes that is, counted from 0.

        Raises:
            ProtocolError: none of them.
        """
        for number, (done, _) in enumerate(self._passes):
            if done is wanted:
                return number
        raise ProtocolError(_FOREIGN)

    def returned(self, answer: Pass) -> Any:
        """Return what the module gave in a pass.

        Raises:
            ProtocolError: the pass is not one of this batch.
        """
        return self._passes[self.position(answer)][1]

    @property
    def passes(self) -> int:
        """How often the module was run."""
        return len(self._passes)

    def macs(self) -> float:
        """Multiply-adds of the pairs and of what the strategy decides by, per example, all passes together."""
        return (self._projected_macs + sum(float(done.macs.sum()) for done, _ in self._passes)) / self._examples


def _checked(returned: Any, examples: int, samples: int) -> Tensor:
    if not isinstance(returned, Tensor):
        raise InputError(f"losses returned {type(returned).__name__}, expected a tensor with one loss per example")
    if returned.shape != (samples * examples,):
        copies = f" in {samples} copies each" if samples > 1 else ""
        raise InputError(
            f"losses returned {list(returned.shape)}, expected {[samples * examples]}: one loss for each of the "
            f"{examples} examples{copies}, such as cross_entropy(..., reduction='none') gives, and its mean over the "
            "positions of an example"
        )
    return returned
