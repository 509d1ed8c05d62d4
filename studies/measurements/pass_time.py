"""Seconds for one pass over the test split on one core, with and without the sparse kernels (paper, section 4.2)."""

from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from torch import Tensor

from core.run import BatchRun
from kernels import use_backend
from studies.benchmark.clock import interleaved
from studies.dense_twin import dense_twin
from studies.measurements.subject import Subject
from studies.plain_run import plain_classifier

# As the published times, says the authors' code.
BATCH = 50


def measure(subject: Subject) -> dict[str, Any]:
    """Time the network on the test split, in batches of ``BATCH``, gater and every pass included.

    Returns:
        ``seconds`` with the kernels, ``masked_seconds`` with all blocks computed and then masked, and ``dense_seconds``
        of a plain torch network of the same widths; of a network without gates only the last, which is also its
        ``seconds``. Each is a median of bursts that took turns with the dense ones, of the processor's time: other
        programs on the machine stretch only the wall clock's.
    """
    device = subject.test.x.device.type
    batches = [batch.contiguous() for batch in subject.test.x.split(BATCH)]
    twin = dense_twin(subject.trained.network.architecture).to(device)

    @torch.inference_mode()
    def dense(_: int) -> object:
        return [twin(batch) for batch in batches]

    found: dict[str, Any] = {"batch": BATCH, "examples": len(subject.test.y)}
    if not type(subject.trained.strategy).gated:
        times = [own.processor for _, own in interleaved(dense, dense, device)]
        return {**found, "seconds": median(times), "masked_seconds": None, "dense_seconds": median(times)}
    classify, masked = classifier(subject), _inferred(subject, masked=True)
    turns = interleaved(dense, lambda _: [classify(batch) for batch in batches], device)
    masked_turns = interleaved(dense, lambda _: [masked(batch) for batch in batches], device)
    return {
        **found,
        "seconds": median(own.processor for _, own in turns),
        "masked_seconds": median(own.processor for _, own in masked_turns),
        "dense_seconds": median(whole.processor for whole, _ in turns),
    }


def classifier(subject: Subject) -> Callable[[Tensor], object]:
    """Return what classifies a batch fastest: one compiled call if the strategy has a rule for it, else ``infer``."""
    return compiled(subject) or _inferred(subject, masked=False)


def compiled(subject: Subject) -> Callable[[Tensor], object] | None:
    """Return what classifies a batch or a single example ``[features]`` in one compiled call, if that can be had."""
    network, strategy = subject.trained.network, subject.trained.strategy
    if strategy.gate_rule() is None or network.recurrence is not None or subject.test.x.device.type != "cpu":
        return None
    fused = network.for_inference(strategy, subject.density)
    generator = subject.streams.torch("gates", "time")
    return lambda x: fused(x, generator)


def _inferred(subject: Subject, *, masked: bool) -> Callable[[Tensor], object]:
    """Return what classifies a batch by the strategy's own ``infer``, without accounting if it makes a single pass."""
    network, strategy, density = subject.trained.network, subject.trained.strategy, subject.density
    generator = subject.streams.torch("gates", "time", device=subject.test.x.device)
    if network.recurrence is None:
        return plain_classifier(network, strategy, density, generator, masked=masked)

    @torch.inference_mode()
    def infer(x: Tensor) -> object:
        with use_backend("reference" if masked else "auto"):
            return strategy.infer(BatchRun(network, x, None, generator, density=density)).output

    return infer
