"""The small networks and data that strategies are checked on."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import torch

from core.architecture import Architecture
from core.data import Split, Splits
from core.network.kinds import build_network
from core.network.network import GatedNetwork
from core.seeding import SeedStreams
from core.strategy import Pass, Strategy
from core.training.batch import CountedBatch
from core.training.evaluate import Evaluation, evaluate
from core.training.settings import TrainingSettings
from core.training.train import Trained, train

FEATURES: Final = 6
CLASSES: Final = 3
# Between two numbers of blocks in every layer of these networks, and a whole number in every one of them.
DENSITY: Final = 0.4
WHOLE_DENSITY: Final = 0.5
# With blocks enough for two passes at these densities.
NETWORKS: Final = ("8x3", "8x3,6x2", "transformer:layers=2,width=8,heads=2,context=4,blocks=8x3")
STREAMS: Final = SeedStreams(0, "evaluate", "conformance", 0)
DEFAULTS: Final[Mapping[str, Any]] = MappingProxyType({})
_SETTINGS: Final = TrainingSettings.of({"epochs": 2, "batch_size": 16, "selection": "last"})


def examples_of(architecture: Architecture) -> Splits:
    """What a network is trained on: Gaussian clouds, one per class, or sequences of letters."""
    return _clouds(architecture.features) if architecture.positions == 1 else _letters(architecture.positions)


def _letters(positions: int) -> Splits:
    """A letter is followed by the next of three, or at random."""
    generator = STREAMS.torch("data")
    letters = torch.randint(CLASSES, (64, positions + 1), generator=generator)
    for position in range(positions):
        follows = torch.rand(64, generator=generator) < 0.7
        following = (letters[:, position] + 1) % CLASSES
        letters[:, position + 1] = torch.where(follows, following, letters[:, position + 1])
    x, y = letters[:, :-1].contiguous(), letters[:, 1:].contiguous()
    return Splits(Split(x[:32], y[:32], "bits"), Split(x[32:], y[32:], "bits"), None)


def _clouds(features: int) -> Splits:
    generator = STREAMS.torch("data")
    y = torch.arange(96) % CLASSES
    centres = 2 * torch.randn(CLASSES, features, generator=generator)
    x = centres[y] + torch.randn(96, features, generator=generator)
    return Splits(Split(x[:64], y[:64]), Split(x[64:], y[64:]), None)


def briefly_trained(
    strategy_type: type[Strategy],
    architecture: Architecture,
    density: float = DENSITY,
    settings: Mapping[str, Any] = DEFAULTS,
) -> Trained:
    """A training of two epochs, at the strategy's defaults where ``settings`` have no other."""
    data = examples_of(architecture)
    return train(strategy_type, settings, architecture, data, STREAMS, _SETTINGS, density=density)


def untrained(strategy_type: type[Strategy], architecture: Architecture) -> tuple[GatedNetwork, Strategy]:
    """A network and its strategy as training begins with them, but for the strategy's own ``reshape``."""
    network = build_network(architecture, recurrent="passes" in strategy_type.needs)
    network.reset(lambda part: STREAMS.torch("initialisation", part), DENSITY)
    strategy = strategy_type(architecture, {}, STREAMS.torch("initialisation", "strategy"))
    network.centre_scores(strategy.centres_scores())
    return network, strategy


def inferred(trained: Trained, density: float = DENSITY) -> tuple[Pass, CountedBatch]:
    """What the strategy infers from the validation split, and the batch that counted it."""
    trained.strategy.eval()
    x = examples_of(trained.network.architecture).validation.x
    batch = CountedBatch(trained.network, x, None, STREAMS.torch("gates", "test"), density=density)
    with torch.no_grad():
        return trained.strategy.infer(batch), batch


def measured(network: GatedNetwork, strategy: Strategy) -> Evaluation | None:
    """The evaluation on the validation split."""
    validation = examples_of(network.architecture).validation
    return evaluate(network, strategy, validation, STREAMS.torch("gates", "test"), density=DENSITY)
