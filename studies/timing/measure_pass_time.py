"""Seconds for one pass over the test split on one core, with and without the sparse kernels (paper, section 4.2)."""

from collections.abc import Callable
from statistics import median
from typing import Any

import torch
from torch import Tensor

from core.training.batch import CountedBatch
from core.training.trained_network import TrainedNetwork
from kernels import BackendError, use_backend
from studies.timing.batches import all_at_once
from studies.timing.clock import fastest, interleaved
from studies.timing.dense_twin import dense_twin, ways_of
from studies.timing.unaccounted import plain_classifier

# As the published times, says the authors' code.
BATCH = 50


def measure(trained: TrainedNetwork) -> dict[str, Any]:
    """Time the network on the test split, in batches of ``BATCH``, gater and every pass included.

    Returns:
        ``seconds`` with the kernels, ``masked_seconds`` with all blocks computed and then masked, and ``dense_seconds``
        of a plain torch network of the same widths, by the ``library`` that is faster; of a network without gates only
        the last, which is also its ``seconds``. Each is a median of bursts that took turns with the dense ones, of the
        processor's time: other programs on the machine stretch only the wall clock's.
    """
    device = trained.test.x.device.type
    batches = [batch.contiguous() for batch in trained.test.x.split(BATCH)]
    twin = dense_twin(trained.network.architecture).to(device)
    ways = {name: all_at_once(way, batches) for name, way in ways_of(twin, BATCH, device).items()}
    library, dense = fastest(ways, device)
    found: dict[str, Any] = {"batch": BATCH, "examples": len(trained.test.y), "library": library}
    if not type(trained.strategy).gated:
        times = [own.processor for _, own in interleaved(dense, dense, device)]
        return {**found, "seconds": median(times), "masked_seconds": None, "dense_seconds": median(times)}
    classify, masked = classifier(trained), _inferred(trained, masked=True)
    turns = interleaved(dense, lambda _: [classify(batch) for batch in batches], device)
    masked_turns = interleaved(dense, lambda _: [masked(batch) for batch in batches], device)
    return {
        **found,
        "seconds": median(own.processor for _, own in turns),
        "masked_seconds": median(own.processor for _, own in masked_turns),
        "dense_seconds": median(whole.processor for whole, _ in turns),
    }


def classifier(trained: TrainedNetwork) -> Callable[[Tensor], object]:
    """Return what classifies a batch fastest: one compiled call if the strategy has a rule for it, else ``infer``."""
    return compiled(trained) or _inferred(trained, masked=False)


def compiled(trained: TrainedNetwork) -> Callable[[Tensor], object] | None:
    """Return what classifies a batch or a single example ``[features]`` in one compiled call, if that can be had."""
    network, strategy = trained.network, trained.strategy
    if strategy.gate_rule() is None or network.recurrence is not None or trained.test.x.device.type != "cpu":
        return None
    try:
        fused = network.for_inference(strategy, trained.density)
    except BackendError:
        return None
    generator = trained.streams.torch("gates", "time")
    return lambda x: fused(x, generator)


def _inferred(trained: TrainedNetwork, *, masked: bool) -> Callable[[Tensor], object]:
    """Return what classifies a batch by the strategy's own ``infer``, without accounting if it makes a single pass."""
    network, strategy, density = trained.network, trained.strategy, trained.density
    generator = trained.streams.torch("gates", "time", device=trained.test.x.device)
    if network.recurrence is None:
        return plain_classifier(network, strategy, density, generator, masked=masked)

    @torch.inference_mode()
    def infer(x: Tensor) -> object:
        with use_backend("reference" if masked else "auto"):
            return strategy.infer(CountedBatch(network, x, None, generator, density=density)).output

    return infer
