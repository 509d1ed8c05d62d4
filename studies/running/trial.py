"""One run from its configuration to its record."""

import math
import traceback
from collections.abc import Mapping
from typing import Any

import torch

from core.architecture import Architecture
from core.data import Dataset, Split, split
from core.network.cost import dense_macs
from core.seeding import Role, SeedStreams
from core.strategy import Strategy
from core.training.evaluate import Evaluation, evaluate
from core.training.settings import TrainingSettings
from core.training.train import Trained, train
from core.training.trained_network import TrainedNetwork
from studies.design import measurements
from studies.design.configuration import Configuration, Stage

_ROLES: Mapping[Stage, Role] = {"search": "tune", "evaluate": "evaluate"}


def execute(
    configuration: Configuration, strategy_type: type[Strategy], dataset: Dataset, device: str = "cpu"
) -> dict[str, Any]:
    """Train and evaluate, and return the record of the run: plain data for JSON.

    Whatever goes wrong inside becomes a record too, with its status and reason; nothing is dropped. Uses one thread of
    this process, so that the order of sums, and with it the record, does not depend on the machine's processors.
    """
    torch.set_num_threads(1)
    # Decides the last digits of a record. Not for speed: a four-pass network took 23.4 s with it and 24.1 s without.
    torch.set_flush_denormal(True)
    try:
        return _execute(configuration, strategy_type, dataset, device)
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"{type(error).__name__}: {error} ({frame.filename}:{frame.lineno})"
        return _record(configuration, strategy_type, dataset, "error", reason)


def _execute(
    configuration: Configuration, strategy_type: type[Strategy], dataset: Dataset, device: str
) -> dict[str, Any]:
    streams = SeedStreams(
        configuration.root_seed,
        _ROLES[configuration.stage],
        configuration.dataset,
        configuration.seed,
        configuration.varied,
    )
    splits = split(dataset, streams, configuration.test_split).to(device)
    density = configuration.target_density
    trained = train(
        strategy_type,
        configuration.strategy_settings,
        _architecture(configuration, dataset),
        splits,
        streams,
        TrainingSettings.of(configuration.training),
        density=density,
    )
    record = _record(configuration, strategy_type, dataset, trained.status, trained.reason)
    last = trained.history[-1]
    record |= {
        "epochs": last.epoch,
        "train_macs": last.train_macs / len(splits.train.y),
        "train_seconds": last.train_seconds,
        "history": [_finite(vars(epoch)) for epoch in trained.history],
    }
    if trained.chosen is None:
        return record
    record |= {
        "chosen_epoch": trained.chosen.epoch,
        "validation_error": trained.chosen.validation_error,
        "validation_density": trained.chosen.validation_density,
        "validation_macs": trained.chosen.validation_macs,
    }
    if splits.test is not None:
        record |= _test_measures(trained, splits.test, streams, density)
        if configuration.measurements:
            subject = TrainedNetwork(trained.network, trained.strategy, splits.train, splits.test, streams, density)
            record["measured"] = {name: measurements.find(name)(subject) for name in configuration.measurements}
    return record


def _finite(values: Mapping[str, float]) -> dict[str, float | None]:
    """Replace what JSON cannot hold, the losses of a run that went wrong, by None."""
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def _record(
    configuration: Configuration, strategy_type: type[Strategy], dataset: Dataset, status: str, reason: str
) -> dict[str, Any]:
    return {
        "run_id": configuration.run_id,
        "family": strategy_type.family,
        "gated": strategy_type.gated,
        "status": status,
        "reason": reason,
        "dense_macs": dense_macs(_architecture(configuration, dataset)),
        "chance_error": 1 - 1 / dataset.classes,
        "config": configuration.as_dict(),
    }


def _architecture(configuration: Configuration, dataset: Dataset) -> Architecture:
    return Architecture.parse(configuration.network, dataset.features, dataset.classes, configuration.activation)


def _test_measures(trained: Trained, test: Split, streams: SeedStreams, density: float) -> dict[str, Any]:
    def measure(fallback: bool) -> Evaluation | None:
        # Both modes draw the same gate noise, so that they differ in nothing but the forced gates.
        generator = streams.torch("gates", "test", device=test.x.device)
        return evaluate(trained.network, trained.strategy, test, generator, density=density, fallback=fallback)

    own, forced = measure(fallback=False), measure(fallback=True)
    assert own is not None
    return {
        "test_error": own.error,
        "test_loss": own.loss,
        "test_error_fallback": None if forced is None else forced.error,
        "test_density": own.density,
        "test_density_fallback": None if forced is None else forced.density,
        "all_closed": own.all_closed,
        "dead_blocks": own.dead_blocks,
        "gate_entropy": own.gate_entropy,
        "test_macs": own.macs,
        "gates_by_class": own.gates_by_class,
    }
