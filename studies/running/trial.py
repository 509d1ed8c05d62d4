"""One run from its configuration to its record."""

import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from core.architecture import Architecture
from core.data import Dataset, Metric, Split, split
from core.data.metric import chance_error
from core.network.cost import dense_macs
from core.plugins.places import place_of
from core.seeding import Role, SeedStreams
from core.strategy import Strategy
from core.training.evaluate import Evaluation, evaluate
from core.training.independence import check_independence
from core.training.settings import TrainingSettings
from core.training.train import Epoch, Trained, train
from core.training.trained_network import TrainedNetwork
from studies.design import measurements
from studies.design.configuration import Configuration, Stage
from studies.formatting import printable
from studies.records import bits, hits
from studies.records.schema import Status, finite, problem

# What a strategy raises may hold a whole tensor, or a file; where it was raised stands at the end.
FIRST_LETTERS, LAST_LETTERS = 700, 300

_ROLES: Mapping[Stage, Role] = {"search": "tune", "evaluate": "evaluate"}


def streams_of(configuration: Configuration) -> SeedStreams:
    """Return the streams of a run's seed."""
    return SeedStreams(
        configuration.root_seed,
        _role(configuration),
        configuration.dataset,
        configuration.seed,
        configuration.varied,
    )


def _role(configuration: Configuration) -> Role:
    """Return the role of a run's seeds: development has its own, which no study evaluates on."""
    development = configuration.test_split == "development" and configuration.stage == "evaluate"
    return "development" if development else _ROLES[configuration.stage]


def execute(
    configuration: Configuration,
    strategy_type: type[Strategy],
    dataset: Dataset,
    device: str = "cpu",
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    on_trained: Callable[[TrainedNetwork], None] = lambda trained: None,
) -> dict[str, Any]:
    """Train and evaluate, and return the record of the run: plain data for JSON.

    ``on_trained`` is called with the network of a run on an evaluation seed, once it is evaluated.

    Whatever goes wrong inside becomes a record too, with its status and reason; nothing is dropped. Uses one thread of
    this process, so that the order of sums, and with it the record, does not depend on the machine's processors.
    """
    torch.set_num_threads(1)
    # Decides the last digits of a record. Not for speed: a four-pass network took 23.4 s with it and 24.1 s without.
    torch.set_flush_denormal(True)
    try:
        record = _execute(configuration, strategy_type, dataset, device, on_epoch, on_trained)
    except (Exception, SystemExit, GeneratorExit) as error:
        reason = f"{type(error).__name__}: {_said(error)} ({place_of(error) or _last_line(error)})"
        status: Status = "error" if isinstance(error, Exception) else "died"
        return unfinished(configuration, strategy_type, dataset, status, reason)
    wrong = problem(record)
    if wrong is not None:
        return unfinished(configuration, strategy_type, dataset, "error", f"its record does not hold: {wrong}")
    return record


def unfinished(
    configuration: Configuration, strategy_type: type[Strategy], dataset: Dataset, status: Status, reason: str
) -> dict[str, Any]:
    """Return the record of a run that came to nothing, and why: in one line that every terminal and file can hold."""
    if len(reason) > FIRST_LETTERS + LAST_LETTERS:
        reason = f"{reason[:FIRST_LETTERS]} ... {reason[-LAST_LETTERS:]}"
    return {
        "run_id": configuration.run_id,
        "family": strategy_type.family,
        "gated": strategy_type.gated,
        "status": status,
        "reason": printable(reason),
        "dense_macs": dense_macs(_architecture(configuration, dataset)),
        "chance_error": chance_error(dataset.metric, dataset.classes),
        "config": configuration.as_dict(),
    }


def _last_line(error: BaseException) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{frame.filename}:{frame.lineno}"


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:
        return "its message cannot be printed"


def _execute(
    configuration: Configuration,
    strategy_type: type[Strategy],
    dataset: Dataset,
    device: str,
    on_epoch: Callable[[Epoch], None],
    on_trained: Callable[[TrainedNetwork], None],
) -> dict[str, Any]:
    streams = streams_of(configuration)
    architecture = _architecture(configuration, dataset)
    splits = split(dataset, streams, configuration.test_split, positions=architecture.positions).to(device)
    density = configuration.target_density
    trained = train(
        strategy_type,
        configuration.strategy_settings,
        architecture,
        splits,
        streams,
        TrainingSettings.of(configuration.training),
        density=density,
        on_epoch=on_epoch,
    )
    record = unfinished(configuration, strategy_type, dataset, trained.status, trained.reason)
    last = trained.history[-1]
    record |= {
        "epochs": last.epoch,
        "train_macs": last.train_macs / splits.train.y.numel(),
        "train_seconds": last.train_seconds,
        "history": [finite(vars(epoch)) for epoch in trained.history],
    }
    if trained.chosen is None:
        return record
    check_independence(
        trained.network,
        trained.strategy,
        (splits.test or splits.validation).x,
        streams.torch("gates", "independence", device=device),
        density=density,
    )
    record |= {
        "chosen_epoch": trained.chosen.epoch,
        "validation_error": trained.chosen.validation_error,
        "validation_density": trained.chosen.validation_density,
        "validation_macs": trained.chosen.validation_macs,
    }
    if splits.test is not None:
        assert splits.test_indices is not None
        record |= _test_measures(trained, splits.test, splits.test_indices.tolist(), streams, density)
        data = splits.train, splits.test, streams, density, splits.mean, splits.std
        subject = TrainedNetwork(trained.network, trained.strategy, *data)
        on_trained(subject)
        if configuration.measurements:
            # What is undefined, such as a ratio to 0, is missing.
            record["measured"] = finite({name: measurements.find(name)(subject) for name in configuration.measurements})
    return record


def _architecture(configuration: Configuration, dataset: Dataset) -> Architecture:
    return Architecture.parse(configuration.network, dataset.features, dataset.classes, configuration.activation)


def _of_examples(metric: Metric, indices: Sequence[int], errors: Sequence[float]) -> dict[str, Any]:
    """Return what a record says of each test example."""
    if metric == "bits":
        return {"test_bits": bits.packed(indices, errors)}
    return {"test_hits": hits.packed(indices, [error == 0 for error in errors])}


def _test_measures(
    trained: Trained, test: Split, indices: Sequence[int], streams: SeedStreams, density: float
) -> dict[str, Any]:
    def measure(fallback: bool) -> Evaluation | None:
        # Both modes draw the same gate noise, so that they differ in nothing but the forced gates.
        generator = streams.torch("gates", "test", device=test.x.device)
        return evaluate(trained.network, trained.strategy, test, generator, density=density, fallback=fallback)

    own, forced = measure(fallback=False), measure(fallback=True)
    assert own is not None
    return {
        "test_error": own.error,
        **_of_examples(test.metric, indices, own.errors),
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
