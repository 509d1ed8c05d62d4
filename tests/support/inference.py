"""The inference path of small trained networks."""

from core.training.inference_path import InferencePath
from core.training.trained_network import TrainedNetwork


def path_of(trained: TrainedNetwork) -> InferencePath:
    return InferencePath(
        trained.network,
        trained.strategy,
        density=trained.density,
        mean=trained.mean,
        std=trained.std,
        generator=trained.streams.torch("gates", "test"),
    ).eval()
