"""Strategies that cheat, and strategies that err without cheating: each in one way, on gates that a plugin may have."""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from core.parts.gates import bernoulli, budget, straight_through, top_blocks
from core.strategy import Batch, Decide, Decision, Family, Site, Strategy
from kernels import GateGrad


class HighestScores(Strategy):
    """Open the blocks of the highest scores; honest."""

    source: ClassVar[str] = "test"
    family: ClassVar[Family] = "routing"

    def decide(self, batch: Batch) -> Decide:
        def decide(site: Site) -> Decision:
            scores = self.scores(site)
            chosen = top_blocks(scores, budget(site.blocks, batch.density))
            return Decision(straight_through(chosen, chosen * scores.softmax(dim=1)))

        return decide

    def scores(self, site: Site) -> Tensor:
        return site.scores

    def objective(self, batch: Batch) -> tuple[Tensor, Any]:
        done = batch(self.decide(batch))
        return done.mean_loss(), done

    def infer(self, batch: Batch) -> Any:
        return batch(self.decide(batch))


def linear(features: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    layer: nn.Linear = nn.utils.skip_init(nn.Linear, features, outputs)
    with torch.no_grad():
        layer.weight.uniform_(-0.1, 0.1, generator=generator)
        layer.bias.zero_()
    return layer


class OwnGater(HighestScores):
    """A gater of two layers for each gated layer, charged."""

    scores_blocks: ClassVar[bool] = False

    def __init__(self, architecture, settings, generator):
        super().__init__(architecture, settings, generator)
        features = [architecture.seen(number) for number in range(len(architecture.layers))]
        self.gaters = nn.ModuleList(
            nn.Sequential(linear(read, 6, generator), nn.Tanh(), linear(6, layer.blocks, generator))
            for read, layer in zip(features, architecture.layers, strict=True)
        )

    def scores(self, site: Site) -> Tensor:
        return site.map(self.gaters[site.index])


class FreeGater(OwnGater):
    """The same, around the charge."""

    def scores(self, site):
        return self.gaters[site.index](site.hidden)


class FreeGaterWithoutGradients(OwnGater):
    def scores(self, site):
        with torch.no_grad():
            return self.gaters[site.index](site.hidden)


class FreeGaterByBroadcast(OwnGater):
    """A gater of elementwise multiplications and sums."""

    def scores(self, site):
        first, _, last = self.gaters[site.index]
        hidden = (site.hidden[:, None] * first.weight).sum(dim=2).tanh()
        return (hidden[:, None] * last.weight).sum(dim=2)


class FreeGaterRowByRow(OwnGater):
    """A gater of many small elementwise multiplications."""

    def scores(self, site):
        first, _, last = self.gaters[site.index]
        hidden = torch.stack([(site.hidden * row).sum(dim=1) for row in first.weight], dim=1).tanh()
        return torch.stack([(hidden * row).sum(dim=1) for row in last.weight], dim=1)


class FreeGaterByDistance(OwnGater):
    def scores(self, site):
        return -torch.cdist(site.hidden, self.gaters[site.index][0].weight)[:, : site.blocks].repeat(1, 2)[
            :, : site.blocks
        ]


class FreeGaterOnlyInTests(OwnGater):
    def infer(self, batch):
        def decide(site):
            chosen = top_blocks(self.gaters[site.index](site.hidden), budget(site.blocks, batch.density))
            return Decision(chosen)

        return batch(decide)


class WorksInItsObjective(OwnGater):
    def objective(self, batch):
        total, done = super().objective(batch)
        return total + self.gaters[0](done.inputs[0]).square().mean(), done


class WorksInInfer(OwnGater):
    """Gates of its own, computed before the pass is run."""

    def infer(self, batch):
        first = batch(self.decide(batch))
        gates = top_blocks(self.gaters[0](first.inputs[0]), 1)
        return batch(lambda site: Decision(gates if site.index == 0 else torch.ones_like(site.scores)))


class DifferentiatesTwice(HighestScores):
    """Runs a backward pass of its own."""

    def objective(self, batch):
        total, done = super().objective(batch)
        extra = torch.autograd.grad(total, done.hidden, create_graph=True)[0]
        return total + (extra @ extra.T).mean(), done


class ExpertChoice(HighestScores):
    """Each block chooses its examples among those of the batch."""

    def infer(self, batch):
        def decide(site):
            count = max(1, round(batch.density * len(site.scores)))
            chosen = site.scores.topk(count, dim=0).indices
            return Decision(torch.zeros_like(site.scores).scatter_(0, chosen, 1.0))

        return batch(decide)


class NormalisedByTheBatch(HighestScores):
    """Scores relative to the batch's mean decide, sampled with the batch's generator."""

    def infer(self, batch):
        def decide(site):
            spread = site.scores - site.scores.mean(dim=0)
            return Decision(bernoulli(spread.sigmoid(), batch.generator))

        return batch(decide)


class BernoulliOfTheBatch(HighestScores):
    """The same, drawn by torch from probabilities."""

    def infer(self, batch):
        def decide(site):
            spread = (site.scores - site.scores.mean(dim=0)).sigmoid()
            return Decision(torch.bernoulli(spread, generator=batch.generator))

        return batch(decide)


class MacsSetToZero(HighestScores):
    def infer(self, batch):
        done = super().infer(batch)
        done.macs.zero_()
        return done


class MacsSetThroughData(HighestScores):
    def infer(self, batch):
        done = super().infer(batch)
        done.macs.data.zero_()
        return done


class ExecutedSetToZero(HighestScores):
    def infer(self, batch):
        done = super().infer(batch)
        for layer in done.executed:
            layer.zero_()
        return done


class OutputOverwritten(HighestScores):
    def infer(self, batch):
        done = super().infer(batch)
        done.output.copy_(torch.zeros_like(done.output))
        return done


class OutputSetThroughData(HighestScores):
    def infer(self, batch):
        done = super().infer(batch)
        done.output.data.mul_(-1)
        return done


class LossSetThroughData(HighestScores):
    def objective(self, batch):
        total, done = super().objective(batch)
        done.loss.data.zero_()
        return total, done


class GatesChangedAfterwards(HighestScores):
    """The gates of a pass are opened after it was run with them closed."""

    def infer(self, batch):
        done = super().infer(batch)
        done.decisions[0].gates.fill_(1.0)
        return done


class InputOverwritten(HighestScores):
    def decide(self, batch):
        def decide(site):
            decision = Decision(torch.ones_like(site.scores))
            with torch.no_grad():
                site.hidden.data.mul_(2)
            return decision

        return decide


class MacsOfAnotherPass(HighestScores):
    """A pass that is mixed is made cheap before."""

    needs: ClassVar = frozenset({"passes"})

    def infer(self, batch):
        done = super().infer(batch)
        done.macs.data.fill_(1.0)
        return batch.mix([done], torch.ones_like(done.output[:, 0])[None])


class BlocksTakenForMade(HighestScores):
    """A second pass computes every block of the first layer, and is told that all of them are made already."""

    needs: ClassVar = frozenset({"passes"})

    def infer(self, batch):
        first = super().infer(batch)
        first.products.opened.data.fill_(1.0)
        return batch(self.decide(batch), carry=first)


class GaterWithoutGradient(HighestScores):
    """The gater's scores decide, and nothing leads back to it."""

    def scores(self, site):
        return site.scores.detach()


class OwnGaterWithoutGradient(OwnGater):
    def scores(self, site: Site) -> Tensor:
        return OwnGater.scores(self, site).detach()


class UnregisteredParameter(HighestScores):
    """A parameter in a list."""

    def __init__(self, architecture, settings, generator):
        super().__init__(architecture, settings, generator)
        self.scales = [nn.Parameter(torch.ones(())) for _ in architecture.layers]

    def scores(self, site):
        return site.scores * self.scales[site.index]


class UnregisteredTensor(HighestScores):
    """A constant that moving and saving the strategy would forget."""

    def __init__(self, architecture, settings, generator):
        super().__init__(architecture, settings, generator)
        self.constants = {"scale": torch.tensor(2.0), "unused": torch.tensor(1.0)}

    def scores(self, site):
        return site.scores * self.constants["scale"]


class ReinMax(HighestScores):
    """Gates with a gradient of the second order (Liu et al. 2023), while closed blocks are not computed."""

    gate_grad: ClassVar[GateGrad] = "open"

    def decide(self, batch):
        def decide(site):
            p = site.scores.softmax(dim=1)
            chosen = top_blocks(site.scores, 1)
            half = (0.5 * (chosen + p)).detach()
            pi = (half.log() + site.scores - site.scores.detach()).softmax(dim=1)
            return Decision(straight_through(chosen, 2 * pi - 0.5 * p), gate_grad=self.gate_grad)

        return decide


class ExactReinMax(ReinMax):
    """The same, as it is meant."""

    gate_grad: ClassVar[GateGrad] = "exact"


class StraightThroughClosed(HighestScores):
    def decide(self, batch):
        def decide(site):
            p = site.scores.sigmoid()
            return Decision(straight_through((p > 0.5).to(p.dtype), p), p)

        return decide
