"""Small trained networks to measure."""

from functools import cache
from typing import Any

import strategies
from core import data
from core.architecture import Architecture
from core.seeding import SeedStreams
from core.training.inference_path import InferencePath
from core.training.settings import TrainingSettings
from core.training.train import train
from core.training.trained_network import TrainedNetwork

STREAMS = SeedStreams(0, "evaluate", "digits", 0)


@cache
def digits() -> data.Splits:
    return data.split(data.load("digits"), STREAMS, "fixed")


def subject_of(
    strategy: str, *, network: str = "4x4", epochs: int = 1, density: float = 0.5, **settings: Any
) -> TrainedNetwork:
    """Train one network on the digits, and return it as a measurement gets it."""
    splits = digits()
    assert splits.test is not None
    architecture = Architecture.parse(network, features=64, classes=10)
    training = TrainingSettings.of({"epochs": epochs, "density_tolerance": 1.0})
    trained = train(strategies.find(strategy), settings, architecture, splits, STREAMS, training, density=density)
    return TrainedNetwork(trained.network, trained.strategy, splits.train, splits.test, STREAMS, density)


def path_of(trained: TrainedNetwork) -> InferencePath:
    return InferencePath(
        trained.network,
        trained.strategy,
        density=trained.density,
        mean=trained.mean,
        std=trained.std,
        generator=trained.streams.torch("gates", "test"),
    ).eval()
