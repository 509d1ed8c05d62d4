"""A network of a finished run, trained again: runs can be repeated to the last digit, so none has to be kept."""

from collections.abc import Mapping
from typing import Any, final

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

import strategies
from core import data
from core.errors import InputError
from core.training.batch import CountedBatch
from core.training.trained_network import TrainedNetwork
from studies.design.configuration import Configuration
from studies.running.trial import execute


@final
class RetrainedNetwork:
    """The network of a run; made by :func:`train_again`.

    Attributes:
        configuration: of the run.
        record: that was made of it this time.
        trained: network, strategy and splits, at the chosen epoch's parameters.
    """

    def __init__(self, configuration: Configuration, record: Mapping[str, Any], trained: TrainedNetwork) -> None:
        self.configuration = configuration
        self.record = record
        self.trained = trained

    def __repr__(self) -> str:
        run = self.configuration
        return (
            f"<network of {run.strategy} on {run.dataset}, seed {run.seed}: test error {self.record['test_error']:.4f}>"
        )

    @torch.inference_mode()
    def predict(self, x: ArrayLike) -> NDArray[np.int64]:
        """Return the class of each example, as the strategy infers it at test time.

        Args:
            x: ``[N, features]`` or ``[N, ...]``, as the dataset has them; they are normalised here.

        Raises:
            InputError: examples have another number of features.
        """
        examples = np.asarray(x, dtype=np.float32)
        examples = examples.reshape(len(examples), -1)
        trained, features = self.trained, self.trained.test.x.shape[1]
        if examples.shape[1] != features:
            raise InputError(f"x has {examples.shape[1]} features for each example, expected {features}")
        seen = torch.from_numpy((examples - np.float32(trained.mean)) / np.float32(trained.std))
        generator = trained.streams.torch("gates", "test")
        batch = CountedBatch(trained.network, seen, None, generator, density=trained.density)
        return trained.strategy.infer(batch).output.argmax(dim=1).numpy()


def train_again(record: Mapping[str, Any], plugins: tuple[strategies.Plugin, ...] = ()) -> RetrainedNetwork:
    """Train the network of a finished run again, and check that it is the same one.

    Args:
        record: of the run, on an evaluation seed.
        plugins: strategies from outside, if the run's is one.

    Raises:
        InputError: the run did not end well, its data are not there, or what comes out is another network: other code,
            versions or processors may have made the record.
    """
    configuration = Configuration.from_dict(record["config"])
    if record["status"] != "ok":
        raise InputError(f"run {configuration.run_id}: ended as {record['status']}, there is no network of it")
    kept: list[TrainedNetwork] = []
    threads = torch.get_num_threads()
    try:
        again = execute(
            configuration,
            strategies.find(configuration.strategy, plugins),
            data.load(configuration.dataset),
            on_trained=kept.append,
        )
    finally:
        torch.set_num_threads(threads)
        torch.set_flush_denormal(False)
    if again["status"] != "ok":
        raise InputError(f"run {configuration.run_id}: trained again it ends as {again['status']}: {again['reason']}")
    if any(again[name] != record[name] for name in ("test_error", "test_loss")) or any(
        again.get(name) != record.get(name) for name in ("test_hits", "test_bits")
    ):
        raise InputError(
            f"run {configuration.run_id}: trained again it has a test error of {again['test_error']:.4f}, and had "
            f"{record['test_error']:.4f}: other code, versions or processors made the record, see verify"
        )
    return RetrainedNetwork(configuration, again, kept[0])
