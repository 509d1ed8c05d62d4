"""How many examples a network was trained on: what a dataset has without those of validation and test."""

from typing import Any

from core.training.trained_network import TrainedNetwork


def measure(trained: TrainedNetwork) -> dict[str, Any]:
    """Return the number of training examples."""
    return {"examples": len(trained.train.y)}
