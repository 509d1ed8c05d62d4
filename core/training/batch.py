"""One batch, as a strategy sees it: every pass, flip and mix is computed and counted here."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from core.network.cost import PassCost
from core.network.counting import Reading, run_charged
from core.network.fallback import with_fallback
from core.network.network import GatedNetwork
from core.network.uncharged import charged
from core.strategy import Decide, Pass, ProtocolError, SinglePass, Table
from core.training.ownership import Owned

_FOREIGN = "the pass was not made by this batch"


class CountedBatch:
    """The :class:`core.strategy.Batch` over one batch.

    Args:
        network: the network to run.
        x: ``[N, ...]``, examples.
        labels: ``[N]`` classes, or of sequences ``[N, positions]``; None to withhold them.
        generator: the only source of gate noise.
        density: the target share of open blocks.
        progress: how far training is, from 0 to 1.
        fallback: where a layer would be fully closed for an example, open its most likely block.
    """

    def __init__(
        self,
        network: GatedNetwork,
        x: Tensor,
        labels: Tensor | None,
        generator: torch.Generator,
        *,
        density: float,
        progress: float = 1.0,
        fallback: bool = False,
    ) -> None:
        self.generator = generator
        self.density = density
        self.progress = progress
        self._network = network
        self._x = x
        self._labels = None if labels is None else labels.flatten()
        self._fallback = fallback
        self._passes: list[Owned] = []
        self._mixes: list[tuple[Owned, list[int], Tensor]] = []
        self._projected_macs: list[Tensor] = []
        self._other_training_macs = 0.0

    def __call__(self, decide: Decide, carry: Pass | None = None, samples: int = 1) -> SinglePass:
        """See :meth:`core.strategy.Batch.__call__`."""
        if samples < 1:
            raise ProtocolError(f"samples is {samples}, expected at least 1")
        with charged():
            if carry is not None:
                self._check(carry)
                self._running(carry)
            x = self._x.repeat(samples, *[1] * (self._x.dim() - 1))
            done: SinglePass = self._network(x, with_fallback(decide) if self._fallback else decide, carry)
            done = replace(done, loss=self._loss(done.output, samples), samples=samples)
            self._passes.append(Owned.of(done))
            self._projected_macs.append(torch.zeros_like(done.macs))
        return done

    def table(self, base: SinglePass, layer: int) -> Table:
        """See :meth:`core.strategy.Batch.table`."""
        if self._labels is None:
            raise ProtocolError("flips need the loss, and labels are withheld")
        if not isinstance(base, SinglePass):
            raise ProtocolError("flips need a single pass, not a mix")
        if not 0 <= layer < len(base.decisions):
            raise ProtocolError(f"flips of layer {layer}, expected 0..{len(base.decisions) - 1}")
        with charged():
            self._check(base)
            return self._network.table(base, layer, self._labels.repeat(base.samples), self._charge)

    def flips(self, base: SinglePass, layer: int) -> Tensor:
        """See :meth:`core.strategy.Batch.flips`."""
        table = self.table(base, layer)
        return table.flips(table.gates)

    def project(self, done: SinglePass, module: nn.Module, layer: int = -1) -> Tensor:
        """See :meth:`core.strategy.Batch.project`."""
        with charged():
            position = self._position(done)
            read, seen = done.read[layer], done.inputs[layer]
            cost = PassCost(seen.shape[0], seen.device)
            values = run_charged(module, [seen], [Reading(seen, read, read)], cost)
            self._projected_macs[position] = self._projected_macs[position] + cost.macs
            if not torch.compiler.is_exporting():
                self._other_training_macs += float(cost.training_macs.sum())
            return values

    def mix(self, passes: Sequence[Pass], weights: Tensor) -> Pass:
        """See :meth:`core.strategy.Batch.mix`."""
        rows = passes[0].output.shape[0] if passes else 0
        if weights.shape != (len(passes), rows) or not passes:
            raise ProtocolError(f"halting weights are {list(weights.shape)}, expected {[len(passes), rows]}")
        if len({done.samples for done in passes}) > 1:
            raise ProtocolError("passes of different numbers of samples are mixed")
        order = [self._position(done) for done in passes]
        if order != sorted(set(order)):
            raise ProtocolError("passes are mixed in another order than they were run in")
        with charged():
            return self._mixed(passes, weights, order)

    def _mixed(self, passes: Sequence[Pass], weights: Tensor, order: list[int]) -> Pass:
        # A pass runs for an example as long as any weight at or after it is not zero.
        running = ((weights != 0).flip(0).cumsum(0).flip(0) > 0).to(torch.float64)
        output = torch.einsum("tb,tbc->bc", weights, torch.stack([done.output for done in passes]))
        own = [self._passes[position] for position in order]
        mixed = Pass(
            decisions=tuple(decision for done in passes for decision in done.decisions),
            hidden=torch.einsum("tb,tbh->bh", weights, torch.stack([done.hidden for done in passes])),
            output=output,
            executed=tuple(
                torch.einsum("tb,tbn->bn", running.to(output.dtype), torch.stack(layer))
                for layer in zip(*(done.executed for done in own), strict=True)
            ),
            macs=(running * torch.stack([done.macs for done in own])).sum(dim=0),
            training_macs=torch.stack([done.training_macs for done in own]).sum(dim=0),
            loss=self._loss(output, passes[0].samples),
            samples=passes[0].samples,
        )
        self._mixes.append((Owned.of(mixed), order, running))
        return mixed

    @property
    def rows(self) -> int:
        """How many rows the batch has: examples, or positions of all sequences."""
        return self._x.shape[0] * self._network.architecture.positions

    def cost_to_go(self, done: SinglePass) -> tuple[Tensor, ...]:
        """See :meth:`core.strategy.Batch.cost_to_go`."""
        if done.loss is None:
            raise ProtocolError("labels are withheld: this pass has no loss")
        with charged():
            self._check(done)
            own = done.loss.detach().unflatten(0, (done.samples, -1, self._network.architecture.positions))
            return self._network.cost_to_go(own)

    def owned(self, answer: Pass) -> Owned:
        """Return core's own copy of a pass or a mix of this batch, after a look at every pass that was handed out.

        Raises:
            ProtocolError: ``answer`` is neither a pass nor a mix of this batch, or one of them was written to.
        """
        everything = [*self._passes, *(mixed for mixed, _, _ in self._mixes)]
        for made in everything:
            made.check()
        for made in everything:
            if made.handed is answer:
                return made
        raise ProtocolError(_FOREIGN)

    def macs(self, answer: Pass) -> Tensor:
        """Return ``[B]``: multiply-adds of all passes that were run for ``answer``, samples added up.

        If the answer is a mix, its passes are charged while they were running; every other pass is charged in full.

        Raises:
            ProtocolError: ``answer`` is neither a pass nor a mix of this batch.
        """
        running = self._running(answer)
        per_pass = [
            ((done.macs + projected) * mask).unflatten(0, (done.handed.samples, -1)).sum(dim=0)
            for done, projected, mask in zip(self._passes, self._projected_macs, running, strict=True)
        ]
        return torch.stack(per_pass).sum(dim=0)

    def executed(self, answer: Pass) -> tuple[Tensor, ...]:
        """Return ``[B, blocks]`` per gated layer: how often each block was computed, counted like :meth:`macs`.

        Raises:
            ProtocolError: ``answer`` is neither a pass nor a mix of this batch.
        """
        per_pass = [
            [
                (layer * mask[:, None].to(layer.dtype)).unflatten(0, (done.handed.samples, -1)).sum(dim=0)
                for layer in done.executed
            ]
            for done, mask in zip(self._passes, self._running(answer), strict=True)
        ]
        return tuple(torch.stack(layer).sum(dim=0) for layer in zip(*per_pass, strict=True))

    def passes(self, answer: Pass) -> Tensor:
        """Return ``[B]``: how many passes were run for each example, counted like :meth:`macs`.

        Raises:
            ProtocolError: ``answer`` is neither a pass nor a mix of this batch.
        """
        per_pass = [
            mask.unflatten(0, (done.handed.samples, -1)).sum(dim=0)
            for done, mask in zip(self._passes, self._running(answer), strict=True)
        ]
        return torch.stack(per_pass).sum(dim=0)

    def training_macs(self) -> float:
        """Multiply-adds of the batch: passes, projections, flips, and the backward where gradients were on."""
        return self._other_training_macs + sum(float(done.training_macs.sum()) for done in self._passes)

    def _charge(self, macs: float) -> None:
        self._other_training_macs += macs

    def _running(self, answer: Pass) -> list[Tensor]:
        """Per pass ``[rows]``: 1 where it counts towards the answer's cost."""
        masks = [torch.ones_like(done.macs) for done in self._passes]
        for mixed, order, running in self._mixes:
            if mixed.handed is answer:
                for position, mask in zip(order, running, strict=True):
                    masks[position] = mask
                return masks
        self._position(answer)
        return masks

    def _loss(self, output: Tensor, samples: int) -> Tensor | None:
        if self._labels is None:
            return None
        return cross_entropy(output, self._labels.repeat(samples), reduction="none")

    def _check(self, handed: Pass | None) -> None:
        """Look whether a pass that the strategy gives back is as it was handed out; foreign ones are let through."""
        for made in (*self._passes, *(mixed for mixed, _, _ in self._mixes)):
            if made.handed is handed:
                made.check()

    def _position(self, wanted: Pass) -> int:
        for position, made in enumerate(self._passes):
            if made.handed is wanted:
                made.check()
                return position
        raise ProtocolError(_FOREIGN)
