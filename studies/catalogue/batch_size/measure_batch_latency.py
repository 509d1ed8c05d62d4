"""Seconds per call from one example to a large batch, beside dense networks (retrospective, R3)."""

from typing import Any

from core.network.cost import equal_macs_dense
from core.training.trained_network import TrainedNetwork
from studies.timing.batches import batches_of, one_in_turn
from studies.timing.clock import Timed, fastest, interleaved
from studies.timing.dense_twin import dense_twin, ways_of
from studies.timing.measure_pass_time import classifier, compiled

BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
# Every seed of a study measures again.
REPETITIONS = 7


def measure(trained: TrainedNetwork) -> dict[str, Any]:
    """Time calls on batches of the test split, gater and every pass included, in turns with dense networks.

    Successive calls take successive batches, so that gates change. A split with fewer examples than a batch is gone
    through again.

    Returns:
        ``calls``: for each batch size and baseline, which is ``dense`` of the same widths or ``dense of equal MACs``,
        the seconds per call of both sides, by the wall clock and of the processor, repetition by repetition, and the
        ``library`` by which torch computes the dense one faster. Empty for a network without gates.
    """
    if not type(trained.strategy).gated:
        return {"calls": []}
    device = trained.test.x.device.type
    architecture = trained.network.architecture
    shapes = {"dense": architecture, "dense of equal MACs": equal_macs_dense(architecture, trained.density)}
    twins = {name: dense_twin(shape).to(device) for name, shape in shapes.items()}
    fused = compiled(trained)
    calls = []
    for size in BATCHES:
        batches = batches_of(trained.test.x, size)
        ours = one_in_turn(classifier(trained), batches)
        if fused is not None and size == 1:
            ours = one_in_turn(fused, [batch[0] for batch in batches])
        for name, twin in twins.items():
            ways = {library: one_in_turn(way, batches) for library, way in ways_of(twin, size, device).items()}
            library, dense = fastest(ways, device)
            turns = interleaved(dense, ours, device, REPETITIONS)
            times = {**_seconds("own", [own for _, own in turns]), **_seconds("baseline", [twin for twin, _ in turns])}
            calls.append({"batch": size, "baseline": name, "library": library, **times})
    return {"calls": calls}


def _seconds(side: str, times: list[Timed]) -> dict[str, list[float]]:
    return {
        f"{side}_seconds": [time.wall for time in times],
        f"{side}_processor_seconds": [time.processor for time in times],
    }
