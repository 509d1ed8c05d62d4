"""Of every test example: the passes that were run for it, its loss, and whether it was misclassified."""

from typing import Any

import torch
from torch.nn.functional import cross_entropy

from core.evaluate import BATCH
from core.run import BatchRun
from studies.measurements.subject import Subject


@torch.no_grad()
def measure(subject: Subject) -> dict[str, Any]:
    """Infer the classes of the test split with the noise of its evaluation, and return what each example took.

    Returns:
        Per test example, in the order of the split: ``passes`` as they are charged, ``loss`` in nats, to four decimals,
        and ``wrong``, 0 or 1.
    """
    network, strategy = subject.trained.network, subject.trained.strategy
    strategy.eval()
    generator = subject.streams.torch("gates", "test", device=subject.test.x.device)
    found: dict[str, list[float]] = {"passes": [], "loss": [], "wrong": []}
    for x, y in zip(subject.test.x.split(BATCH), subject.test.y.split(BATCH), strict=True):
        run = BatchRun(network, x, None, generator, density=subject.density)
        answer = strategy.infer(run)
        found["passes"] += [round(passes) for passes in run.passes(answer).tolist()]
        found["loss"] += [round(loss, 4) for loss in cross_entropy(answer.output, y, reduction="none").tolist()]
        found["wrong"] += (answer.output.argmax(dim=1) != y).long().tolist()
    return found
