"""What a search teacher's gates give away: the error with gates that were chosen by looking at the labels."""

from typing import Any

import torch

from core.data.metric import example_errors
from core.training.batch import CountedBatch
from core.training.trained_network import TrainedNetwork

BATCH = 250


@torch.no_grad()
def measure(trained: TrainedNetwork) -> dict[str, Any]:
    """Let the strategy's teacher choose gates for the test split, labels in sight, and predict with them.

    It searches as at the end of training, when the student's scores have no noise any more.

    Returns:
        ``error_with_labels``, the error with the teacher's gates, and ``agreement``, the share of
        its blocks that the student opens too; both None for a strategy without a teacher.
    """
    strategy, network = trained.strategy, trained.network
    settings = strategy.teacher_settings()
    if settings is None:
        return {"error_with_labels": None, "agreement": None}
    teacher = type(strategy)(network.architecture, settings, trained.streams.torch("initialisation", "teacher"))
    generator = trained.streams.torch("gates", "teacher", device=trained.test.x.device)
    errors = shared = opened = 0.0
    for x, y in zip(trained.test.x.split(BATCH), trained.test.y.split(BATCH), strict=True):
        _, taught = teacher.objective(CountedBatch(network, x, y, generator, density=trained.density))
        own = strategy.infer(CountedBatch(network, x, None, generator, density=trained.density))
        errors += float(example_errors(trained.test.metric, taught.output, y).sum())
        for one, other in zip(taught.decisions, own.decisions, strict=True):
            shared += float((one.gates * other.gates).sum())
            opened += float(one.gates.sum())
    return {"error_with_labels": errors / len(trained.test.y), "agreement": shared / opened}
