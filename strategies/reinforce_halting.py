"""Multi-pass REINFORCE: gates are sampled, and when to stop is an exact expectation."""

import math
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from core.architecture import Architecture
from core.parts.baselines import baseline
from core.parts.bernoulli import SPACE, BernoulliStrategy
from core.parts.controller import DualPrice
from core.parts.distributions.discrete import DISCRETE
from core.parts.distributions.exactly_k import ExactlyK
from core.parts.gates import bernoulli
from core.parts.halting import (
    BALANCE,
    PASSES,
    TEST_HALTING,
    affordable,
    halting_passes,
    halting_unit,
    last_pass,
    most_affordable,
    stopping_distribution,
    stopping_probability,
)
from core.parts.penalties import load_imbalance
from core.space import Choice, Domain, Integer, Real, only_where
from core.strategy import Batch, Decision, Family, GateRule, Pass, Site

_PRICE = {name: domain for name, domain in SPACE.items() if name not in ("score_gradient", "test_gates")}


class ReinforceHalting(BernoulliStrategy):
    """Sample the gates of every pass, and reinforce those that came with a low cost, expected over when to stop.

    With the probability ``p_t`` of stopping at pass t, an example's cost is ``sum_t p_t (loss_t + price t)``: given the
    gates of all passes it is exact, so that the halting unit and the network learn from it by backpropagation, and only
    gates by the policy gradient. A pass's gates are credited with the terms from that pass on, against the mean of the
    same example's other samples. With ``score_gradient`` ``all`` this teaches earlier passes too, through the state
    that they carry, and the gradient of every parameter is unbiased.

    Every pass opens a share ``tau / expected_passes`` of the blocks: exactly, drawn one after another by the softmax of
    the scores over those left (``exactly_k``), with a balanced load, or in the mean, each by itself (``bernoulli``),
    held by the penalties. The price starts at ``pass_price`` and is controlled, at ``price_rate``, until as many passes
    are run in the mean by the rule of test time.
    """

    source: ClassVar[str] = "retrospective, R5; Williams 1992; Kool et al. 2019; Banino et al. 2021"
    family: ClassVar[Family] = "halting"
    needs = frozenset({"passes", "samples"})
    space: ClassVar[Mapping[str, Domain]] = {
        **SPACE,
        **only_where(_PRICE, {"gates": ("bernoulli",)}),
        "gates": Choice("exactly_k", ("exactly_k", "bernoulli")),
        **only_where({"balance": BALANCE}, {"gates": ("exactly_k",)}),
        # A carried state is hidden too: the gating of later passes teaches earlier ones through it.
        "score_gradient": Choice("all", ("gater", "all")),
        **PASSES,
        "pass_price": Real(0.01, low=1e-3, high=10.0, log=True, or_zero=True, search=(0.003, 0.3)),
        "samples": Integer(2, low=2, high=64, search=(2, 4)),
        "test_gates": Choice("threshold", ("sampled", "threshold")),
        "test_halting": TEST_HALTING,
    }

    def __init__(self, architecture: Architecture, settings: Mapping[str, Any], generator: torch.Generator) -> None:
        super().__init__(architecture, settings, generator)
        start = stopping_probability(self.settings["expected_passes"], self.settings["most_passes"])
        self.halting = halting_unit(architecture, generator, start)
        self.pass_price = DualPrice(self.settings["price_rate"], self.settings["pass_price"], lowest=-math.inf)

    def estimator_settings(self) -> Mapping[str, Any] | None:
        # Halting is no gate, and a probe knows of one pass.
        return None

    def centres_scores(self) -> bool:
        return self.settings["gates"] == "bernoulli" and super().centres_scores()

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        log_gates: list[Tensor] = []
        imbalance: list[Tensor] = []
        expected = self._expected(batch)
        exactly = self.settings["gates"] == "exactly_k"

        def decide(site: Site) -> Decision:
            scores = self.scores(site)
            if exactly:
                gates, log_probability = drawn_blocks(scores, batch.density / expected, batch.generator)
                imbalance.append(load_imbalance(scores, gates))
                decision = Decision(gates)
            else:
                decision = Decision(bernoulli(scores.sigmoid(), batch.generator), scores.sigmoid())
                each = -binary_cross_entropy_with_logits(scores, decision.gates, reduction="none")
                log_probability = each.sum(dim=1)
            if site.index == 0:
                log_gates.append(torch.zeros(()))
            log_gates[-1] = log_gates[-1] + log_probability
            return decision

        most = most_affordable(self.settings["most_passes"], expected)
        passes, halting = halting_passes(batch, decide, self.halting, most, samples=self.settings["samples"])
        stop = stopping_distribution(halting)
        losses = torch.stack([done.loss for done in passes if done.loss is not None])
        number = torch.arange(1, len(passes) + 1, dtype=stop.dtype, device=stop.device)[:, None]
        cost = stop * (losses + self.pass_price.value * number)
        # What a pass's gates are credited with: the terms from it on, to which alone they contribute.
        credit = cost.detach().flip(0).cumsum(dim=0).flip(0).unflatten(1, (self.settings["samples"], -1))
        advantage = torch.stack([each - baseline(each[..., None], "samples").squeeze(2) for each in credit]).flatten(1)
        policy = (advantage * torch.stack(log_gates)).sum(dim=0).mean()
        mixed = batch.mix(passes, stop)
        if exactly:
            held = self.settings["balance"] * torch.stack(imbalance).mean()
        else:
            held = self.price(batch, mixed.decisions, share=1 / expected) / len(passes)
        with torch.no_grad():
            took = last_pass(stop, self.settings["test_halting"], batch.generator) + 1
            self.pass_price.update(took.to(stop.dtype).mean(), expected)
        return cost.sum(dim=0).mean() + policy + held, mixed

    @classmethod
    def impossible(
        cls, architecture: Architecture, settings: Mapping[str, Any], density: float, tolerance: float
    ) -> str | None:
        return DISCRETE[settings["gates"]].impossible(architecture, density, tolerance)

    def gate_rule(self) -> GateRule | None:
        return None  # there are several passes, and when to stop is decided too

    def infer(self, batch: Batch) -> Pass:
        def decide(site: Site) -> Decision:
            if self.settings["gates"] == "bernoulli":
                return Decision(self.hard_gates(site.scores.sigmoid(), batch), site.scores.sigmoid())
            each_pass = ExactlyK(batch.density / self._expected(batch))
            return Decision(each_pass.test_gates(site, batch.generator, self.settings["test_gates"]))

        most = most_affordable(self.settings["most_passes"], self._expected(batch))
        passes, halting = halting_passes(batch, decide, self.halting, most)
        stop = stopping_distribution(halting)
        last = last_pass(stop, self.settings["test_halting"], batch.generator)
        return batch.mix(passes, nn.functional.one_hot(last, len(passes)).T.to(stop.dtype))

    def _expected(self, batch: Batch) -> float:
        return affordable(self.settings["expected_passes"], self.architecture, batch.density)


def drawn_blocks(scores: Tensor, density: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw exactly k gates ``[B, blocks]``, without a gradient, and return them with their log probability ``[B]``."""
    draw = ExactlyK(density).draw(scores, generator)
    return draw.gates, draw.log_probability
