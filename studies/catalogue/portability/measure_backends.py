"""The same trained network on every back end: its answers, its gates, and the time it takes (retrospective, R6)."""

import time
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from core.data import Splits
from core.training.settings import TrainingSettings
from core.training.train import Trained, train
from core.training.trained_network import TrainedNetwork
from kernels import BACKENDS, BackendError, use_backend
from studies.catalogue.portability.inference import (
    Answer,
    Classify,
    in_double,
    on_backend,
    one_by_one,
    other_gates,
    plainly,
)
from studies.timing.clock import interleaved

BATCH = 256
COMPILERS = ("aot_eager", "inductor")
TRAINING = {"epochs": 1, "selection": "last"}
# Every seed of a study measures again.
REPETITIONS = 7


def measure(trained: TrainedNetwork) -> dict[str, Any]:
    """Classify the first ``BATCH`` test examples in every way that this machine allows, with the same gate noise.

    Returns:
        ``ways``: for each back end, each compiler of ``torch.compile`` and the fused single call either the ``reason``
        why it cannot be had here, or in how many examples rounding opened ``other_gates`` than in double precision on
        the reference back end; the largest absolute ``difference`` of a logit in all others; the share of
        ``equal_predictions``; and the processor's seconds per call, in turns with ``reference_seconds``. Of a compiler
        also how many ``graphs`` the network was cut into, and ``compile_seconds``.

        ``training``: of every back end but the reference, how far an epoch of training on it ends from one on the
        reference: the largest absolute ``parameter_difference``, and the share of ``equal_predictions``.
    """
    x = trained.test.x[:BATCH].contiguous()
    network, strategy = trained.network, trained.strategy
    strategy.eval()
    classify = plainly(network, strategy, trained.density)
    exact = in_double(network, strategy, trained.density)(x, _noise(trained))
    ways = [_on_backend(trained, x, classify, exact, name) for name in BACKENDS]
    ways += [_compiled(trained, x, classify, exact, name) for name in COMPILERS]
    ways.append(_fused(trained, x, classify))
    return {"batch": len(x), "ways": ways, "training": _trainings(trained, x)}


def _on_backend(trained: TrainedNetwork, x: Tensor, classify: Classify, exact: Answer, name: str) -> dict[str, Any]:
    ours = on_backend(name, classify)
    try:
        found = _agreement(ours(x, _noise(trained)), exact)
    except BackendError as error:
        return {"way": name, "reason": _reason(error)}
    return {"way": name, **found, **_seconds(trained, x, classify, ours)}


def _compiled(trained: TrainedNetwork, x: Tensor, classify: Classify, exact: Answer, compiler: str) -> dict[str, Any]:
    way = f"torch.compile, {compiler}"
    torch.compiler.reset()
    torch._dynamo.utils.counters.clear()
    ours: Classify = torch.compile(classify, backend=compiler)
    started = time.perf_counter()
    try:
        ours(x, _noise(trained))
    except RuntimeError as error:
        return {"way": way, "reason": str(error).strip().splitlines()[0]}
    spent = time.perf_counter() - started
    graphs = torch._dynamo.utils.counters["stats"]["unique_graphs"]
    found = _agreement(ours(x, _noise(trained)), exact)
    return {"way": way, **found, **_seconds(trained, x, classify, ours), "graphs": graphs, "compile_seconds": spent}


def _fused(trained: TrainedNetwork, x: Tensor, classify: Classify) -> dict[str, Any]:
    """Compare one example at a time, whose gates can be seen, and time the batch."""
    network, strategy = trained.network, trained.strategy
    try:
        fused = network.for_inference(strategy, trained.density)
    except (ImportError, ValueError, BackendError) as error:
        return {"way": "fused call", "reason": str(error)}

    def single(row: Tensor, noise: torch.Generator) -> Answer:
        return fused(row[0], noise).clone()[None], tuple(gates.clone()[None] for gates in fused.gates)

    def whole(x: Tensor, noise: torch.Generator) -> Answer:
        return fused(x, noise), ()

    exact = one_by_one(in_double(network, strategy, trained.density), x, _noise(trained))
    found = _agreement(one_by_one(single, x, _noise(trained)), exact)
    return {"way": "fused call", **found, **_seconds(trained, x, classify, whole)}


def _agreement(answer: Answer, exact: Answer) -> dict[str, Any]:
    logits, expected = answer[0].double(), exact[0]
    other = other_gates(answer, exact)
    distances = (logits - expected).abs().amax(dim=1)[~other]
    return {
        "reason": None,
        "other_gates": int(other.sum()),
        "difference": float(distances.max()) if len(distances) else None,
        "equal_predictions": float((logits.argmax(dim=1) == expected.argmax(dim=1)).double().mean()),
    }


def _seconds(trained: TrainedNetwork, x: Tensor, classify: Classify, ours: Classify) -> dict[str, list[float]]:
    reference, noise = on_backend("reference", classify), _noise(trained)
    turns = interleaved(lambda _: reference(x, noise), lambda _: ours(x, noise), x.device.type, REPETITIONS)
    return {
        "seconds": [own.processor for _, own in turns],
        "reference_seconds": [whole.processor for whole, _ in turns],
    }


def _trainings(trained: TrainedNetwork, x: Tensor) -> list[dict[str, Any]]:
    reference = _trained(trained, "reference")
    return [_training(trained, x, reference, name) for name in BACKENDS if name != "reference"]


def _training(trained: TrainedNetwork, x: Tensor, reference: Trained, name: str) -> dict[str, Any]:
    try:
        ours = _trained(trained, name)
    except BackendError as error:
        return {"way": name, "reason": _reason(error)}
    pairs = zip(ours.network.parameters(), reference.network.parameters(), strict=True)
    same = _predictions(ours, trained, x) == _predictions(reference, trained, x)
    return {
        "way": name,
        "reason": None,
        "parameter_difference": max(float((own - other).detach().abs().max()) for own, other in pairs),
        "equal_predictions": float(same.double().mean()),
    }


def _trained(trained: TrainedNetwork, backend: str) -> Trained:
    """Train for an epoch from the run's own initial values, in its own order."""
    strategy, few = trained.strategy, replace(trained.train, x=trained.train.x[:BATCH], y=trained.train.y[:BATCH])
    with use_backend(backend):
        return train(
            type(strategy),
            strategy.settings,
            trained.network.architecture,
            Splits(trained.train, few, None),
            trained.streams,
            TrainingSettings.of(TRAINING),
            density=trained.density,
        )


def _predictions(ended: Trained, trained: TrainedNetwork, x: Tensor) -> Tensor:
    ended.strategy.eval()
    classify = on_backend("reference", plainly(ended.network, ended.strategy, trained.density))
    return classify(x, _noise(trained))[0].argmax(dim=1)


def _reason(error: BackendError) -> str:
    """Say why without what the caller knows."""
    return str(error).partition("cannot run this call: ")[2]


def _noise(trained: TrainedNetwork) -> torch.Generator:
    return trained.streams.torch("gates", "backends", device=trained.test.x.device)
