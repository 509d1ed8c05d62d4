"""Whether a strategy keeps the protocol: the same checks for ours and for anybody's plugin.

``python -m studies strategies --check NAME`` runs them, with ``--plugin FILE`` on a file of your own.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from core.architecture import Architecture
from core.data import Split, Splits
from core.network.fully_connected import GatedNetwork
from core.seeding import SeedStreams
from core.strategy import Pass, Strategy
from core.training.batch import CountedBatch
from core.training.evaluate import Evaluation, evaluate
from core.training.settings import TrainingSettings
from core.training.train import Trained, train

FEATURES, CLASSES, DENSITY = 6, 3, 0.4
NETWORKS = ("4x3", "4x3,5x2")
_STREAMS = SeedStreams(0, "evaluate", "conformance", 0)
_SETTINGS = TrainingSettings.of({"epochs": 2, "batch_size": 16, "selection": "last"})


@dataclass(frozen=True)
class Problem:
    """One way in which a strategy breaks the protocol."""

    check: str
    network: str
    message: str

    def __str__(self) -> str:
        return f"{self.check} (network {self.network}): {self.message}"


def problems(strategy_type: type[Strategy]) -> list[Problem]:
    """Run every check on small networks of one and two layers; an empty list means that the strategy conforms."""
    found = []
    for network in NETWORKS:
        architecture = Architecture.parse(network, FEATURES, CLASSES)
        for check in CHECKS:
            try:
                messages = list(check(strategy_type, architecture))
            except Exception as error:
                messages = [f"raises {type(error).__name__}: {error}"]
            found += [Problem(check.__name__.removeprefix("_"), network, message) for message in messages]
    return found


def _space_defaults(strategy_type: type[Strategy], _: Architecture) -> Iterator[str]:
    """Defaults and the ends of every domain are valid settings."""
    for name, domain in strategy_type.space.items():
        for quantile in (0.0, 0.5, 1 - 1e-9):
            domain.check(domain.at(quantile))
        checked = domain.check(domain.default)
        if checked != domain.default or type(checked) is not type(domain.default):
            yield f"{name}: the default {domain.default!r} is not of its domain's type"


def _finite(strategy_type: type[Strategy], architecture: Architecture) -> Iterator[str]:
    """A short training stays finite and moves some parameter."""
    trained = _train(strategy_type, architecture)
    # A training this short need not have found its budget.
    if trained.status not in ("ok", "over_budget"):
        yield f"training ends with status {trained.status}: {trained.reason}"
    fresh = GatedNetwork(trained.network.architecture, recurrent="passes" in strategy_type.needs)
    fresh.reset(lambda part: _STREAMS.torch("initialisation", part), DENSITY)
    if all(torch.equal(a, b) for a, b in zip(fresh.parameters(), trained.network.parameters(), strict=True)):
        yield "no parameter of the network changed in training"


def _seeded(strategy_type: type[Strategy], architecture: Architecture) -> Iterator[str]:
    """All randomness comes from the batch's generator: equal seeds give equal runs, global ones are not touched."""
    state, before = torch.get_rng_state(), _global_states()
    first = _train(strategy_type, architecture)
    torch.manual_seed(1)
    second = _train(strategy_type, architecture)
    torch.set_rng_state(state)
    third = _train(strategy_type, architecture)
    if _global_states() != before:
        yield "it draws from a global random generator; use batch.generator"
    losses = [[(epoch.train_loss, epoch.validation_loss) for epoch in each.history] for each in (first, second, third)]
    if losses[0] != losses[1] or losses[0] != losses[2]:
        yield "two runs with the same seed differ"
    if _evaluate(first) != _evaluate(second):
        yield "two evaluations with the same seed differ"


def _label_free_inference(strategy_type: type[Strategy], architecture: Architecture) -> Iterator[str]:
    """Inference works without labels and predicts once per example."""
    trained = _train(strategy_type, architecture)
    done, _ = _infer(trained)
    if done.loss is not None:
        yield "infer returns a pass with a loss"
    expected = (len(_data().validation.y), CLASSES)
    if done.output.shape != expected:
        yield f"infer returns output {list(done.output.shape)}, expected {list(expected)}"
    if not torch.isfinite(done.output).all():
        yield "infer returns logits that are not finite"


def _gates_in_range(strategy_type: type[Strategy], architecture: Architecture) -> Iterator[str]:
    """Test-time gates and open-probabilities are finite and in 0..1."""
    done, _ = _infer(_train(strategy_type, architecture))
    for decision in done.decisions:
        for name, values in (("gates", decision.gates), ("probability", decision.probability)):
            if values is not None and not bool(((values >= 0) & (values <= 1)).all()):
                yield f"{name} reach from {values.min():.3g} to {values.max():.3g}, expected 0..1"


def _cost_counted(strategy_type: type[Strategy], architecture: Architecture) -> Iterator[str]:
    """The prediction is one that the batch made, and its multiply-adds are within those of all passes that were run."""
    trained = _train(strategy_type, architecture)
    done, batch = _infer(trained)
    # Raises where the answer is not one that the batch made and charged.
    if bool((done.macs > batch.macs(done) + 1e-6).any()):
        yield "the returned pass costs more than all passes that were run"
    if not trained.history[-1].train_macs > 0:
        yield "training is free of cost"


def _state_restored(strategy_type: type[Strategy], architecture: Architecture) -> Iterator[str]:
    """Parameters and buffers hold everything that inference depends on."""
    trained = _train(strategy_type, architecture)
    network = GatedNetwork(trained.network.architecture, recurrent="passes" in strategy_type.needs)
    other = SeedStreams(1, "evaluate", "conformance", 0)
    network.reset(lambda part: other.torch("initialisation", part), DENSITY)
    strategy = strategy_type(trained.network.architecture, {}, other.torch("initialisation", "strategy"))
    network.load_state_dict(trained.network.state_dict())
    strategy.load_state_dict(trained.strategy.state_dict())
    if _measure(network, strategy) != _evaluate(trained):
        yield "a restored strategy predicts differently; keep what it learns in parameters or buffers"


def _rule_followed(strategy_type: type[Strategy], architecture: Architecture) -> Iterator[str]:
    """A declared gate rule gives what inference gives, where its compiled form can be run."""
    trained = _train(strategy_type, architecture)
    if trained.strategy.gate_rule() is None:
        return
    try:
        fused = trained.network.for_inference(trained.strategy, DENSITY)
    except ImportError:
        return
    done, _ = _infer(trained)
    found = fused(_data().validation.x.contiguous(), _STREAMS.torch("gates", "test"))
    if not torch.allclose(found, done.output, rtol=1e-3, atol=1e-4):
        yield "gate_rule describes other test gates than those of infer"


CHECKS: tuple[Callable[[type[Strategy], Architecture], Iterator[str]], ...] = (
    _space_defaults,
    _finite,
    _seeded,
    _label_free_inference,
    _gates_in_range,
    _cost_counted,
    _state_restored,
    _rule_followed,
)


def _global_states() -> tuple[bytes, str, object]:
    """The states of the global generators of torch, numpy and Python."""
    numpy_state = np.random.get_state()  # noqa: NPY002 - to see whether a strategy uses the legacy generator
    return bytes(torch.get_rng_state().numpy()), repr(numpy_state), random.getstate()


def _data() -> Splits:
    """Three Gaussian clouds, one per class."""
    generator = _STREAMS.torch("data")
    y = torch.arange(96) % CLASSES
    centres = 2 * torch.randn(CLASSES, FEATURES, generator=generator)
    x = centres[y] + torch.randn(96, FEATURES, generator=generator)
    return Splits(Split(x[:64], y[:64]), Split(x[64:], y[64:]), None)


def _train(strategy_type: type[Strategy], architecture: Architecture) -> Trained:
    return train(strategy_type, {}, architecture, _data(), _STREAMS, _SETTINGS, density=DENSITY)


def _infer(trained: Trained) -> tuple[Pass, CountedBatch]:
    trained.strategy.eval()
    batch = CountedBatch(trained.network, _data().validation.x, None, _STREAMS.torch("gates", "test"), density=DENSITY)
    with torch.no_grad():
        return trained.strategy.infer(batch), batch


def _measure(network: GatedNetwork, strategy: Strategy) -> Evaluation | None:
    return evaluate(network, strategy, _data().validation, _STREAMS.torch("gates", "test"), density=DENSITY)


def _evaluate(trained: Trained) -> Evaluation | None:
    return _measure(trained.network, trained.strategy)
