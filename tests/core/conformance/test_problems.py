"""Strategies that break the protocol, each in one way, and the check that must find it."""

import random
from dataclasses import replace
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from core.architecture import Architecture
from core.conformance import NETWORKS, inference, problems
from core.errors import InputError
from core.parts.gates import bernoulli
from core.space import Choice, Integer, Real
from core.strategy import Batch, Decision, Family, GateRule, Pass, Site, Strategy
from strategies import find


class Sound(Strategy):
    """Gates drawn from the gater's probability; keeps the protocol."""

    source: ClassVar[str] = "test"
    family: ClassVar[Family] = "control"

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        done = batch(self.decide(batch))
        return done.mean_loss(), done

    def infer(self, batch: Batch) -> Pass:
        return batch(self.decide(batch))

    def decide(self, batch: Batch):
        def decide(site: Site) -> Decision:
            probability = site.scores.sigmoid()
            return Decision(bernoulli(probability, batch.generator), probability)

        return decide


class FollowsItsRule(Sound):
    """Keeps the protocol, and says how it decides."""

    def gate_rule(self):
        return GateRule("sampled")


class DeclaresAnotherRule(Sound):
    def gate_rule(self):
        return GateRule("threshold")


class DrawsFromTorch(Sound):
    def objective(self, batch):
        total, done = super().objective(batch)
        return total * (1 + 0.1 * torch.rand(())), done


class DrawsFromNumpy(Sound):
    def objective(self, batch):
        np.random.rand()  # noqa: NPY002
        return super().objective(batch)


class DrawsFromPython(Sound):
    def objective(self, batch):
        random.random()
        return super().objective(batch)


class InfersFromTorch(Sound):
    def infer(self, batch):
        return batch(lambda site: Decision(torch.bernoulli(site.scores.sigmoid())))


class CountsRunsOfTheProcess(Sound):
    count: ClassVar[int] = 0

    def objective(self, batch):
        type(self).count += 1
        total, done = super().objective(batch)
        return total * self.count, done


class RealGates(Sound):
    """Gates of any size and sign scale their blocks."""

    def infer(self, batch):
        return batch(lambda site: Decision(torch.linspace(-1, 1.5, site.blocks).expand_as(site.scores)))


class InfiniteGates(Sound):
    def infer(self, batch):
        return batch(lambda site: Decision(torch.full_like(site.scores, float("inf"))))


class ProbabilityAboveOne(Sound):
    def infer(self, batch):
        return batch(lambda site: Decision(torch.ones_like(site.scores), site.scores.exp() + 1))


class NanProbability(Sound):
    def infer(self, batch):
        return batch(lambda site: Decision(torch.ones_like(site.scores), site.scores * float("nan")))


class HiddenState(Sound):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.steps = 0

    def objective(self, batch):
        self.steps += 1
        return super().objective(batch)

    def infer(self, batch):
        return batch(lambda site: Decision(torch.full_like(site.scores, 1 / (1 + self.steps))))


class StateOutsideTheStateDict(Sound):
    scale: Tensor

    def __init__(self, architecture, settings, generator):
        super().__init__(architecture, settings, generator)
        self.register_buffer("scale", torch.rand((), generator=generator), persistent=False)

    def infer(self, batch):
        return batch(lambda site: Decision(torch.ones_like(site.scores) * self.scale))


class NanObjective(Sound):
    def objective(self, batch):
        total, done = super().objective(batch)
        return total * float("nan"), done


class LearnsNothing(Sound):
    def objective(self, batch):
        total, done = super().objective(batch)
        return 0 * total, done


class ObjectivePerExample(Sound):
    def objective(self, batch):
        _, done = super().objective(batch)
        return done.loss, done


class LogsNoLoss(Sound):
    def objective(self, batch):
        total, done = super().objective(batch)
        return total, replace(done, loss=None)


class PredictsSeveralTimesPerExample(Sound):
    def infer(self, batch):
        return batch(self.decide(batch), samples=2)


class PredictsOneClassLess(Sound):
    def infer(self, batch):
        done = super().infer(batch)
        return replace(done, output=done.output[:, :-1])


class PredictsOnItsOwn(Sound):
    """All gates closed, and a prediction from weights that nobody charges for."""

    def __init__(self, architecture, settings, generator):
        super().__init__(architecture, settings, generator)
        self.own = nn.Linear(architecture.features, architecture.classes)
        nn.init.zeros_(self.own.weight)
        nn.init.zeros_(self.own.bias)

    def infer(self, batch):
        done = batch(lambda site: Decision(torch.zeros_like(site.hidden[:, : site.blocks])))
        return replace(done, output=self.own(done.inputs[0]))


class NanPrediction(Sound):
    def infer(self, batch):
        return batch(lambda site: Decision(torch.ones_like(site.scores) * float("nan")))


class AsksForLabels(Sound):
    def infer(self, batch):
        done = super().infer(batch)
        done.mean_loss()
        return done


class PredictsForFree(Sound):
    def infer(self, batch):
        done = super().infer(batch)
        return replace(done, macs=torch.zeros_like(done.macs))


class KeepsAPassFromAnotherBatch(Sound):
    def objective(self, batch):
        total, done = super().objective(batch)
        self.kept = done
        return total, done

    def infer(self, batch):
        super().infer(batch)
        return self.kept


class DoesNotRun(Sound):
    def infer(self, batch):
        raise NotImplementedError("not ready")


class DefaultOutOfRange(Sound):
    space: ClassVar = {"rate": Real(2.0, low=0.0, high=1.0)}


class DefaultOfAnotherType(Sound):
    space: ClassVar = {"rate": Real("0.5", low=0.0, high=1.0)}  # type: ignore[arg-type]


class DefaultNotAnOption(Sound):
    space: ClassVar = {"kind": Choice("c", ("a", "b"))}


class EmptyDomain(Sound):
    space: ClassVar = {"samples": Integer(1, low=1, high=0)}


class Tempered(Sound):
    """Gates whose temperature matters where they are soft, as it says."""

    space: ClassVar = {
        "mode": Choice("hard", ("hard", "soft")),
        "temperature": Real(1.0, low=0.5, high=2.0, when={"mode": ("soft",)}),
    }
    idle: ClassVar[str] = "hard"

    def decide(self, batch):
        def decide(site):
            scores = site.scores
            if self.settings["mode"] != self.idle:
                scores = scores / self.settings["temperature"]
            return Decision(scores.sigmoid())

        return decide


class TemperedElsewhere(Tempered):
    idle: ClassVar[str] = "soft"


class TemperedUnlessRefused(TemperedElsewhere):
    def __init__(self, architecture, settings, generator):
        super().__init__(architecture, settings, generator)
        if self.settings["temperature"] < 1:
            raise InputError("too cold for this network")


class CarriesOnUndeclared(Sound):
    def infer(self, batch):
        return batch(self.decide(batch), carry=batch(self.decide(batch)))


class GatesOfAnotherShape(Sound):
    def infer(self, batch):
        return batch(lambda site: Decision(torch.ones(1, site.blocks)))


def test_a_sound_strategy_has_no_problems():
    assert problems(Sound) == []
    assert problems(FollowsItsRule) == []
    assert problems(RealGates) == []
    assert problems(Tempered) == []
    assert problems(TemperedUnlessRefused) == []


class LearnsOfItsOwn(Sound):
    """Keeps the protocol with a parameter and a buffer that inference depends on."""

    steps: Tensor

    def __init__(self, architecture, settings, generator):
        super().__init__(architecture, settings, generator)
        self.shift = nn.Parameter(torch.rand((), generator=generator))
        self.register_buffer("steps", torch.zeros(()))

    def objective(self, batch):
        self.steps += 1
        total, done = super().objective(batch)
        return total + (self.shift - 0.3).square(), done

    def infer(self, batch):
        gate = (self.shift.sigmoid() + self.steps) / (1 + self.steps)
        return batch(lambda site: Decision(gate.detach().expand_as(site.scores)))


def test_a_sound_strategy_with_state_of_its_own_has_no_problems():
    assert problems(LearnsOfItsOwn) == []


@pytest.mark.parametrize(
    ("strategy_type", "check", "message"),
    [
        (DrawsFromTorch, "seeded", "it draws from a global random generator; use batch.generator"),
        (DrawsFromNumpy, "seeded", "it draws from a global random generator"),
        (DrawsFromPython, "seeded", "it draws from a global random generator"),
        (InfersFromTorch, "seeded", "it draws from a global random generator"),
        (CountsRunsOfTheProcess, "seeded", "two runs with the same seed differ"),
        (InfiniteGates, "gates_in_range", "layer 0: gates reach from inf to inf, expected finite numbers"),
        (ProbabilityAboveOne, "gates_in_range", "layer 0: probability reaches from 1"),
        (NanProbability, "gates_in_range", "layer 0: probability reaches from nan"),
        (DeclaresAnotherRule, "rule_followed", "gate_rule describes other test gates than those of infer"),
        (HiddenState, "state_restored", "keep what it learns in parameters or buffers"),
        (StateOutsideTheStateDict, "state_restored", "keep what it learns in parameters or buffers"),
        (NanObjective, "finite", "training ends with status nan: objective is nan in epoch 1"),
        (LearnsNothing, "finite", "no parameter of the network changed in training"),
        (ObjectivePerExample, "finite", "objective must return a scalar"),
        (LogsNoLoss, "finite", "a pass with a loss"),
        (PredictsSeveralTimesPerExample, "label_free_inference", "one prediction per example"),
        (PredictsOneClassLess, "label_free_inference", ", 3]: one prediction per example"),
        (PredictsOnItsOwn, "nothing_free", "infer does work that is not charged"),
        (NanPrediction, "label_free_inference", "logits that are not finite"),
        (AsksForLabels, "label_free_inference", "labels are withheld"),
        (PredictsForFree, "cost_counted", "the pass was not made by this batch"),
        (KeepsAPassFromAnotherBatch, "cost_counted", "one prediction per example"),
        (DoesNotRun, "label_free_inference", f"raises NotImplementedError: not ready ({__file__}:"),
        (DefaultOutOfRange, "space_defaults", "2.0 is not a number in 0..1"),
        (DefaultOfAnotherType, "space_defaults", "rate: the default '0.5' is not of its domain's type"),
        (DefaultNotAnOption, "space_defaults", "c is not one of a, b"),
        (EmptyDomain, "space_defaults", "is not an integer in 1..0"),
        (TemperedElsewhere, "idle_settings", "temperature is said to do nothing where mode is hard, but 0.5 trains"),
        (CarriesOnUndeclared, "label_free_inference", "does not declare that it needs passes"),
        (GatesOfAnotherShape, "label_free_inference", "layer 0: gates are torch.float32 [1, 8], expected"),
    ],
)
def test_a_breach_is_found_by_its_check_on_every_network(strategy_type, check, message):
    found = {
        problem.network for problem in problems(strategy_type) if problem.check == check and message in problem.message
    }
    compiled = {network for network in NETWORKS if Architecture.parse(network, 6, 3).kind == "fully_connected"}
    # A rule is compared with what is compiled of it.
    assert found == (compiled if check == "rule_followed" else set(NETWORKS))


@pytest.mark.parametrize(
    ("strategy_type", "checks"),
    [
        (ProbabilityAboveOne, {"gates_in_range"}),
        (HiddenState, {"state_restored"}),
        (DrawsFromNumpy, {"seeded"}),
        (LearnsNothing, {"finite"}),
    ],
)
def test_a_breach_is_not_blamed_on_anything_else(strategy_type, checks):
    assert {problem.check for problem in problems(strategy_type)} == checks


def test_a_problem_reads_as_one_line():
    problem = problems(ProbabilityAboveOne)[0]
    assert str(problem) == f"gates_in_range (network {NETWORKS[0]}): {problem.message}"
    assert "\n" not in str(problem)


@pytest.mark.usefixtures("without_fused_multiply_adds")
def test_a_rule_is_no_problem_where_its_compiled_form_cannot_be_run():
    assert list(inference.rule_followed(find("top_k"), Architecture.parse("4x4", 6, 3))) == []
