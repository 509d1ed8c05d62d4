"""How long runs will take: from finished ones of the same kind, or else from a few timed steps; and their networks."""

import json
import logging
import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import torch

import strategies
from core.architecture import Architecture
from core.data import Splits, find, load_if_there, split
from core.errors import one_line
from core.seeding import SeedStreams
from core.training.assembly import joined, untrained
from core.training.settings import TrainingSettings
from core.training.train import train
from studies.design.configuration import Configuration
from studies.formatting import printable
from studies.records import kept_network
from studies.records.ledger import Ledger

logger = logging.getLogger(__name__)

TIMED_STEPS = 12
# Measured on quickstart, 2 processors: starting and stopping Ray, and what a run takes besides its training steps.
STARTUP_SECONDS = 10.0
OVERHEAD = 1.25


class NoDataError(Exception):
    """Runs cannot be timed, because their dataset, which this names, would have to be downloaded first."""


def seconds(
    configurations: Iterable[Configuration],
    ledger: Ledger,
    plugins: tuple[strategies.Plugin, ...],
    at_once: int,
    data_folder: Path | None = None,
) -> float:
    """Estimate the wall time of the unfinished ones among ``configurations``.

    Args:
        configurations: all runs of a design.
        ledger: its finished runs.
        plugins: strategy files.
        at_once: how many runs are executed at the same time.
        data_folder: where the files of a dataset that is not embedded are; None looks only for downloaded ones.

    Raises:
        NoDataError: a dataset that is needed would have to be downloaded.
        InputError: ``data_folder`` lacks a file.
    """
    kinds: dict[tuple[object, ...], list[Configuration]] = defaultdict(list)
    for configuration in configurations:
        kinds[_kind(configuration)].append(configuration)
    total = 0.0
    for kind in kinds.values():
        unfinished = [entry for entry in kind if entry.run_id not in ledger]
        if not unfinished:
            continue
        finished = [ledger.read(entry.run_id).get("train_seconds") for entry in kind if entry.run_id in ledger]
        known = [value for value in finished if value is not None]
        each = fmean(known) if known else _timed(unfinished[0], plugins, data_folder)
        total += each * len(unfinished)
    return STARTUP_SECONDS + OVERHEAD * total / at_once if total else 0.0


def network_bytes(configurations: Iterable[Configuration], plugins: tuple[strategies.Plugin, ...]) -> int:
    """Return about how many bytes the networks of the runs on evaluation seeds take, if all of them end well."""
    kinds: Counter[tuple[str, ...]] = Counter()
    examples: dict[tuple[str, ...], Configuration] = {}
    for entry in configurations:
        if entry.stage == "evaluate":
            settings = json.dumps(entry.strategy_settings, sort_keys=True)
            kind = entry.strategy, settings, entry.dataset, entry.network, str(entry.target_density)
            kinds[kind] += 1
            examples[kind] = entry
    return sum(runs * _network_bytes(examples[kind], plugins) for kind, runs in kinds.items())


def _network_bytes(configuration: Configuration, plugins: tuple[strategies.Plugin, ...]) -> int:
    source, _ = find(configuration.dataset)
    network, strategy = untrained(
        strategies.find(configuration.strategy, plugins),
        configuration.strategy_settings,
        Architecture.parse(configuration.network, source.features, source.classes, configuration.activation),
        SeedStreams(configuration.root_seed, "evaluate", configuration.dataset, configuration.seed),
        density=configuration.target_density,
    )
    return kept_network.size(joined(network, strategy).state_dict())


def _kind(configuration: Configuration) -> tuple[object, ...]:
    """What the time of a run mainly depends on: most of what a search varies is not among it."""
    training = configuration.training
    return (
        *(configuration.strategy, configuration.strategy_source, configuration.dataset, configuration.network),
        *(configuration.target_density, training["epochs"], training["batch_size"]),
    )


def _timed(configuration: Configuration, plugins: tuple[strategies.Plugin, ...], data_folder: Path | None) -> float:
    """Time a few steps of a run in this process, and scale them up to all its epochs."""
    streams = SeedStreams(configuration.root_seed, "evaluate", configuration.dataset, configuration.seed)
    dataset = load_if_there(configuration.dataset, data_folder)
    if dataset is None:
        raise NoDataError(configuration.dataset)
    architecture = Architecture.parse(
        configuration.network, dataset.features, dataset.classes, configuration.activation
    )
    splits = split(dataset, streams, configuration.test_split, positions=architecture.positions)
    settings = TrainingSettings.of(configuration.training)
    steps = math.ceil(len(splits.train.y) / settings.batch_size)
    few = min(steps, TIMED_STEPS) * settings.batch_size
    part = Splits(replace(splits.train, x=splits.train.x[:few], y=splits.train.y[:few]), splits.validation, None)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        # Two epochs, of which the second is counted: the first one warms up.
        trained = train(
            strategies.find(configuration.strategy, plugins),
            configuration.strategy_settings,
            architecture,
            part,
            streams,
            replace(settings, epochs=2),
            density=configuration.target_density,
        )
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        # The run will fail too and be recorded; planning goes on.
        logger.warning("%s cannot be timed: %s", configuration.strategy, printable(one_line(error)))
        return 0.0
    finally:
        torch.set_num_threads(threads)
    spent = [epoch.train_seconds for epoch in trained.history]
    per_step = (spent[-1] - (spent[0] if len(spent) > 1 else 0.0)) / min(steps, TIMED_STEPS)
    return per_step * steps * settings.epochs
