"""Multi-pass REINFORCE: gates and halting are both sampled, and learned from the same cost."""

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from core.architecture import Architecture
from core.parts.baselines import baseline
from core.parts.bernoulli import SPACE, BernoulliStrategy
from core.parts.gates import bernoulli
from core.parts.halting import PASSES, halting_unit
from core.space import Choice, Domain, Integer, Real
from core.strategy import Batch, Decision, Family, GateRule, Pass, Site


class ReinforceHalting(BernoulliStrategy):
    """Sample gates and when to stop, pass by pass; reinforce whatever came with a low loss and few passes.

    The cost of an example is the loss of the pass at which it stopped plus ``pass_price`` per pass, against the mean
    cost of its other samples. Only decisions taken before stopping are credited. The penalties keep each pass to a
    share ``tau / expected_passes`` of the blocks.
    """

    source: ClassVar[str] = "retrospective, R5; Williams 1992"
    family: ClassVar[Family] = "halting"
    needs = frozenset({"passes", "samples"})
    space: ClassVar[Mapping[str, Domain]] = {
        **SPACE,
        # A carried state is hidden too: the halting and gating of later passes teach earlier ones through it.
        "score_gradient": Choice("all", ("gater", "all")),
        **PASSES,
        "pass_price": Real(0.05, low=1e-3, high=10.0, log=True, or_zero=True, search=(0.005, 0.5)),
        "samples": Integer(2, low=2, high=64, search=(2, 4)),
    }

    def __init__(self, architecture: Architecture, settings: Mapping[str, Any], generator: torch.Generator) -> None:
        super().__init__(architecture, settings, generator)
        self.halting = halting_unit(architecture, generator)

    def estimator_settings(self) -> Mapping[str, Any] | None:
        # When to stop is drawn too, and no decision names its probability.
        return None

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        log_gates: list[Tensor] = []

        def decide(site: Site) -> Decision:
            probability = self.probability(site, batch)
            gates = bernoulli(probability, batch.generator)
            log_gates[-1] = log_gates[-1] - binary_cross_entropy_with_logits(
                site.scores_detached, gates, reduction="none"
            ).sum(dim=1)
            return Decision(gates, probability)

        passes: list[Pass] = []
        credit: list[Tensor] = []
        stopped: list[Tensor] = []
        running: Tensor | None = None
        last = self.settings["most_passes"] - 1
        for number in range(last + 1):
            log_gates.append(torch.zeros(()))
            done = batch(decide, carry=passes[-1] if passes else None, samples=self.settings["samples"])
            passes.append(done)
            running = torch.ones_like(done.output[:, 0]) if running is None else running
            logit = batch.project(done, self.halting)[:, 0]
            stop = bernoulli(logit.sigmoid(), batch.generator) if number < last else torch.ones_like(running)
            log_stop = -binary_cross_entropy_with_logits(logit, stop, reduction="none") if number < last else 0.0
            credit.append(running * (log_gates[-1] + log_stop))
            stopped.append(running * stop)
            running = running * (1 - stop)
            if not bool(running.any()):
                break
        mixed = batch.mix(passes, torch.stack(stopped))
        assert mixed.loss is not None
        took = sum((number + 1) * at for number, at in enumerate(stopped))
        cost = (mixed.loss.detach() + self.settings["pass_price"] * took).unflatten(0, (mixed.samples, -1))
        advantage = (cost - baseline(cost, "samples")).flatten()
        policy = (advantage * torch.stack(credit).sum(dim=0)).mean()
        price = self.price(batch, mixed.decisions, share=1 / self.settings["expected_passes"])
        return mixed.mean_loss() + policy + price / len(passes), mixed

    def gate_rule(self) -> GateRule | None:
        return None  # there are several passes, and when to stop is decided too

    def infer(self, batch: Batch) -> Pass:
        def decide(site: Site) -> Decision:
            probability = self.probability(site, batch)
            return Decision(self.hard_gates(probability, batch), probability)

        passes: list[Pass] = []
        stopped: list[Tensor] = []
        running: Tensor | None = None
        last = self.settings["most_passes"] - 1
        for number in range(last + 1):
            done = batch(decide, carry=passes[-1] if passes else None)
            passes.append(done)
            running = torch.ones_like(done.output[:, 0]) if running is None else running
            probability = batch.project(done, self.halting)[:, 0].sigmoid()
            stop = self.hard_gates(probability, batch)
            stop = stop if number < last else torch.ones_like(running)
            stopped.append(running * stop)
            running = running * (1 - stop)
            if not bool(running.any()):
                break
        return batch.mix(passes, torch.stack(stopped))
