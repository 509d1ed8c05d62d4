"""The trained network of a finished run: it predicts, is measured, exported, kept in a file, and trained further."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor
from torch.export import ExportedProgram, save

import strategies
from core import data
from core.architecture import Architecture
from core.data import Split, Splits, split
from core.errors import InputError
from core.network.network import GatedNetwork
from core.seeding import SeedStreams
from core.strategy import Strategy
from core.training.assembly import joined, untrained
from core.training.evaluate import Evaluation, evaluate, examples_at_once
from core.training.inference_path import InferencePath, exported
from core.training.settings import TrainingSettings
from core.training.train import Epoch, train
from studies.design.configuration import Configuration
from studies.records.files import written_whole
from studies.records.kept_network import KeptNetwork, copied
from studies.records.provenance import code_of, differences
from studies.running.trial import streams_of

Origin = Literal["kept", "trained again", "trained further"]


@final
class FinishedNetwork:
    """The network of a run, on the CPU; made by :meth:`studies.finished.FinishedStudy.network` and :func:`load`.

    Args:
        kept: its parameters and buffers, and what they are of.
        origin: how it came to be here.
        plugins: strategies from outside, if the run's is one.
        history: of further training.

    Attributes:
        configuration: of the run.
        origin: ``kept`` in a file, ``trained again`` as the run was, or ``trained further`` than the run.
        network: PyTorch's module of the network; changed in place, it is another network.
        strategy: that it was trained with, likewise.
        history: the epochs of further training; empty unless it was trained further.

    Raises:
        InputError: the strategy is not there, or has other parts than when the network was trained.
    """

    def __init__(
        self,
        kept: KeptNetwork,
        origin: Origin,
        plugins: tuple[strategies.Plugin, ...] = (),
        history: tuple[Epoch, ...] = (),
    ) -> None:
        self.configuration: Configuration = kept.description.configuration
        self.origin: Origin = origin
        self.history = history
        self._description = kept.description
        self._tensors = kept.tensors
        self._plugins = plugins
        self._strategy_type = strategies.find(self.configuration.strategy, plugins)
        network, strategy = untrained(
            self._strategy_type,
            self.configuration.strategy_settings,
            self._architecture,
            self._streams,
            density=self.configuration.target_density,
        )
        try:
            joined(network, strategy).load_state_dict(kept.tensors)
        except RuntimeError:
            raise InputError(
                f"network of run {self.configuration.run_id}: {self.configuration.strategy} has other parts than when "
                "it was trained: its source has changed since"
            ) from None
        self.network: GatedNetwork = network.eval()
        self.strategy: Strategy = strategy.eval()

    def __repr__(self) -> str:
        run, found = self.configuration, self._description
        error = "" if found.test_error is None else f": test error {found.test_error:.4f}"
        return f"<network of {run.strategy} on {run.dataset}, seed {run.seed}, {self.origin}{error}>"

    def scores(self, x: ArrayLike) -> NDArray[np.float32]:
        """Return the scores ``[N, classes]`` of examples, logits of their classes, as the strategy infers at test time.

        Args:
            x: ``[N, features]`` or ``[N, ...]``, as the dataset has them; they are normalised here. Of a network that
                reads sequences ``[N, positions]`` classes of letters, which have scores ``[N, positions, classes]``.

        Raises:
            InputError: examples have another number of features or positions, or are no numbers, or no letters.
        """
        path, examples, positions = self._path(), self._examples(x), self._architecture.positions
        if not len(examples):
            return np.zeros((0, *([positions] if positions > 1 else []), self._description.classes), np.float32)
        with as_in_a_run(), torch.inference_mode():
            # As many at once as where the run was tested: gate noise is drawn for so many.
            parts = [path(part) for part in examples.split(examples_at_once(self._architecture))]
        scores = torch.cat(parts)
        return (scores if positions == 1 else scores.unflatten(0, (-1, positions))).numpy()

    def predict(self, x: ArrayLike) -> NDArray[np.int64]:
        """Return the class ``[N]`` of each example, that of its highest score; of sequences ``[N, positions]``.

        Raises:
            InputError: as :meth:`scores`.
        """
        classes: NDArray[np.int64] = self.scores(x).argmax(axis=-1)
        return classes

    def measure(self, x: ArrayLike, y: ArrayLike) -> Evaluation:
        """Measure error, loss, density, multiply-adds and more, as every run is measured on its test examples.

        The error is in the metric of the run's dataset: a share of wrong predictions, or bits.

        Args:
            x: as in :meth:`scores`.
            y: ``[N]``, the classes; of sequences ``[N, positions]``.

        Raises:
            InputError: there are no examples, or not one class for each, or one that the network does not know.
        """
        examples, labels = self._examples(x), np.asarray(y)
        expected = examples.shape[:1] if self._architecture.positions == 1 else examples.shape
        if labels.shape != expected or not len(labels) or not np.issubdtype(labels.dtype, np.integer):
            raise InputError(
                f"y has the shape {list(labels.shape)} and holds {labels.dtype}, expected "
                f"{[max(1, len(examples)), *expected[1:]]} whole numbers, a class for each example or letter"
            )
        if labels.min() < 0 or labels.max() >= self._description.classes:
            raise InputError(
                f"y holds the classes {labels.min()} to {labels.max()}, expected 0 to {self._description.classes - 1}"
            )
        path = self._path()
        metric = data.metric_of(self.configuration.dataset)
        seen = (examples - path.mean) / path.std if examples.is_floating_point() else examples
        part = Split(seen, torch.from_numpy(labels.astype(np.int64)), metric)
        density, noise = self.configuration.target_density, self._streams.torch("gates", "test")
        with as_in_a_run():
            found = evaluate(self.network, self.strategy, part, noise, density=density)
        assert found is not None
        return found

    def test_examples(self) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Return ``x`` and ``y`` of the run's test examples, as the dataset has them.

        Raises:
            InputError: the data is not there, or out of reach.
        """
        indices = self._splits.test_indices
        assert indices is not None
        dataset, positions = data.load(self.configuration.dataset), self._architecture.positions
        dataset = dataset if positions == 1 else data.sequences(dataset, positions)
        return dataset.x[indices], dataset.y[indices]

    def export(self, path: str | Path) -> ExportedProgram:
        """Write the inference path to a file that PyTorch reads and runs without this package.

        The program takes ``x`` ``[N, features]``, float32, as the dataset has them, for any N, and gives the scores
        ``[N, classes]``; it has been compared with this network on the run's test examples.

        Args:
            path: of the file, which ends in ``.pt2``.

        Raises:
            InputError: the path has another ending or no folder, the data is not there, or the strategy cannot be
                exported: its test gates are drawn, PyTorch cannot trace it, or the program gives other scores.
            OSError: the file cannot be written.
        """
        place = _writable(path, ".pt2")
        x, _ = self.test_examples()
        with as_in_a_run():
            program = exported(self._path(), self._examples(x))
        with written_whole(place) as temporary:
            save(program, temporary)
        return program

    def save(self, path: str | Path) -> None:
        """Write it to a file of its own, for :func:`load`.

        Args:
            path: of the file, which ends in ``.safetensors``.

        Raises:
            InputError: the path has another ending or no folder.
            OSError: the file cannot be written.
        """
        self._kept().write(_writable(path, ".safetensors"))

    def continue_training(
        self,
        *,
        epochs: int,
        learning_rate: float | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> "FinishedNetwork":
        """Train on, on the run's own training examples, and return the outcome; this network stays as it is.

        The optimizer begins anew, without momentum, and so does the schedule of the learning rate, which falls to 0
        once more if it is a cosine. What the strategy annealed in the course of training stays where it ended. Of these
        epochs the best on validation is kept, as in the run. The order of examples and gate noise have streams of
        their own, so that the same call gives the same network.

        Args:
            epochs: how many.
            learning_rate: of the network; that of the gaters is changed in proportion. None for the run's own.
            settings: other training settings, see :class:`core.training.settings.TrainingSettings`.

        Raises:
            InputError: a setting is unknown or out of range, the data is not there, or training came to nothing.
        """
        own = dict(self.configuration.training)
        if learning_rate is not None:
            rate, gaters = learning_rate / own["learning_rate"], own["gater_learning_rate"]
            own["gater_learning_rate"] = [rate * each for each in gaters] if isinstance(gaters, list) else rate * gaters
            own["learning_rate"] = learning_rate
        chosen = TrainingSettings.of({**own, "epochs": epochs, **(settings or {})})
        continued = self._description.continued + 1
        with as_in_a_run():
            trained = train(
                self._strategy_type,
                self.configuration.strategy_settings,
                self._architecture,
                self._splits,
                replace(self._streams, continued=continued),
                chosen,
                density=self.configuration.target_density,
                start=joined(self.network, self.strategy).state_dict(),
            )
        if trained.status != "ok":
            raise InputError(f"training of {self!r} went on and ended as {trained.status}: {trained.reason}")
        description = replace(self._description, continued=continued, test_error=None, test_loss=None)
        kept = KeptNetwork(description, copied(joined(trained.network, trained.strategy).state_dict()))
        return FinishedNetwork(kept, "trained further", self._plugins, trained.history)

    @cached_property
    def _splits(self) -> Splits:
        run = self.configuration
        positions = self._architecture.positions
        return split(data.load(run.dataset), self._streams, run.test_split, positions=positions)

    @property
    def _streams(self) -> SeedStreams:
        return streams_of(self.configuration)

    @property
    def _architecture(self) -> Architecture:
        run, found = self.configuration, self._description
        return Architecture.parse(run.network, found.features, found.classes, run.activation)

    def _path(self) -> InferencePath:
        """Return the inference path, with the gate noise that the run was tested with."""
        return InferencePath(
            self.network,
            self.strategy,
            density=self.configuration.target_density,
            mean=self._description.mean,
            std=self._description.std,
            generator=self._streams.torch("gates", "test"),
        ).eval()

    def _kept(self) -> KeptNetwork:
        """Return it as it is now: one that was changed in place has not the test error of its run."""
        tensors = copied(joined(self.network, self.strategy).state_dict())
        description = self._description
        if any(not torch.equal(tensor, self._tensors[name]) for name, tensor in tensors.items()):
            description = replace(description, test_error=None, test_loss=None)
        return KeptNetwork(description, tensors)

    def _examples(self, x: ArrayLike) -> Tensor:
        try:
            examples = np.asarray(x, dtype=np.float32)
        except (TypeError, ValueError):
            raise InputError(f"x holds something else than numbers: {type(x).__name__}") from None
        if self._architecture.positions > 1:
            return self._letters(examples)
        features = self._description.features
        if examples.ndim < 2 or np.prod(examples.shape[1:]) != features:
            each = int(np.prod(examples.shape[1:])) if examples.ndim > 1 else "no"
            raise InputError(f"x has {each} features for each example, expected {features}")
        return torch.from_numpy(examples.reshape(len(examples), features))

    def _letters(self, examples: NDArray[np.float32]) -> Tensor:
        positions, classes = self._architecture.positions, self._description.classes
        if examples.ndim != 2 or examples.shape[1] != positions:
            raise InputError(f"x has the shape {list(examples.shape)}, expected [N, {positions}] letters")
        if not np.isin(examples, np.arange(classes)).all():
            raise InputError(f"x holds something else than classes of letters, whole numbers in 0..{classes - 1}")
        return torch.from_numpy(examples.astype(np.int64))


def load(
    path: str | Path, *, plugins: tuple[strategies.Plugin, ...] = (), own_data: str | None = None
) -> FinishedNetwork:
    """Read a network that :meth:`FinishedNetwork.save` or ``run --keep-networks`` has written.

    Args:
        path: of the file.
        plugins: strategies from outside, if the run's is one.
        own_data: where data of one's own is, if the run was on such and they are needed, as ``--dataset`` has it.

    Raises:
        InputError: it is not there or not as it was written, or its strategy or ``own_data`` is not there.
    """
    if own_data is not None:
        data.canonical(own_data)
    return loaded(KeptNetwork.read(Path(path), "it was cut off or changed since"), plugins)


def loaded(kept: KeptNetwork, plugins: tuple[strategies.Plugin, ...] = ()) -> FinishedNetwork:
    """Return a network that was kept; a warning says if other code than today's has trained it.

    Raises:
        InputError: its strategy is not there, or has other parts than when it was trained.
    """
    found = kept.description
    network = FinishedNetwork(kept, "trained further" if found.continued else "kept", plugins)
    if others := differences({"code": found.code}, code_of(found.configuration, plugins)):
        warnings.warn(
            f"{network!r} was trained by other code than today's ({', '.join(others)}), which may predict otherwise: "
            "compare network.measure(*network.test_examples()) with its record",
            stacklevel=3,
        )
    return network


@contextmanager
def as_in_a_run() -> Iterator[None]:
    """Compute with the settings that decide the last digits of a record, and put those of this process back."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        torch.set_flush_denormal(False)


def _writable(path: str | Path, ending: str) -> Path:
    place = Path(path)
    if place.suffix != ending:
        raise InputError(f"{place}: ends in {place.suffix or 'nothing'}, expected {ending}")
    if not place.parent.is_dir():
        raise InputError(f"{place}: there is no folder {place.parent}")
    if place.is_dir():
        raise InputError(f"{place}: is a folder")
    return place
