"""Of every test example: the passes that were run for it, its loss, and whether it was misclassified."""

from typing import Any

import torch
from torch.nn.functional import cross_entropy

from core.training.batch import CountedBatch
from core.training.evaluate import BATCH
from core.training.trained_network import TrainedNetwork


@torch.no_grad()
def measure(trained: TrainedNetwork) -> dict[str, Any]:
    """Infer the classes of the test split with the noise of its evaluation, and return what each example took.

    Returns:
        Per test example, in the order of the split: ``passes`` as they are charged, ``loss`` in nats, to four decimals,
        and ``wrong``, 0 or 1.
    """
    network, strategy = trained.network, trained.strategy
    strategy.eval()
    generator = trained.streams.torch("gates", "test", device=trained.test.x.device)
    found: dict[str, list[float]] = {"passes": [], "loss": [], "wrong": []}
    for x, y in zip(trained.test.x.split(BATCH), trained.test.y.split(BATCH), strict=True):
        batch = CountedBatch(network, x, None, generator, density=trained.density)
        answer = strategy.infer(batch)
        found["passes"] += [round(passes) for passes in batch.passes(answer).tolist()]
        found["loss"] += [round(loss, 4) for loss in cross_entropy(answer.output, y, reduction="none").tolist()]
        found["wrong"] += (answer.output.argmax(dim=1) != y).long().tolist()
    return found
