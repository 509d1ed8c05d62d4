"""What a measurement is given."""

from dataclasses import dataclass

from core.data import Split
from core.seeding import SeedStreams
from core.train import Trained


@dataclass(frozen=True)
class Subject:
    """A trained network on an evaluation seed, and the data of its run, normalised and on its device.

    Attributes:
        trained: the network with its strategy, at the chosen epoch's parameters.
        train: the training split.
        test: the test split.
        streams: the run's seeds; a measurement draws from streams of its own name.
        density: the target share of open blocks.
    """

    trained: Trained
    train: Split
    test: Split
    streams: SeedStreams
    density: float
