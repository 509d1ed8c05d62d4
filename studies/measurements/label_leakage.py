"""What a search teacher's gates give away: the error with gates that were chosen by looking at the labels."""

from typing import Any

import torch

from core.run import BatchRun
from studies.measurements.subject import Subject

BATCH = 250


@torch.no_grad()
def measure(subject: Subject) -> dict[str, Any]:
    """Let the strategy's teacher choose gates for the test split, labels in sight, and predict with them.

    It searches as at the end of training, when the student's scores have no noise any more.

    Returns:
        ``error_with_labels``, the share of wrong predictions with the teacher's gates, and ``agreement``, the share of
        its blocks that the student opens too; both None for a strategy without a teacher.
    """
    strategy, network = subject.trained.strategy, subject.trained.network
    if "network_gates" not in strategy.space:
        return {"error_with_labels": None, "agreement": None}
    settings = {**strategy.settings, "network_gates": "teacher"}
    teacher = type(strategy)(network.architecture, settings, subject.streams.torch("initialisation", "teacher"))
    generator = subject.streams.torch("gates", "teacher", device=subject.test.x.device)
    wrong = shared = opened = 0.0
    for x, y in zip(subject.test.x.split(BATCH), subject.test.y.split(BATCH), strict=True):
        _, taught = teacher.objective(BatchRun(network, x, y, generator, density=subject.density))
        own = strategy.infer(BatchRun(network, x, None, generator, density=subject.density))
        wrong += float((taught.output.argmax(dim=1) != y).sum())
        for one, other in zip(taught.decisions, own.decisions, strict=True):
            shared += float((one.gates * other.gates).sum())
            opened += float(one.gates.sum())
    return {"error_with_labels": wrong / len(subject.test.y), "agreement": shared / opened}
