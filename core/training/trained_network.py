"""A trained network as a measurement is given it."""

from dataclasses import dataclass

from core.data import Split
from core.network.network import GatedNetwork
from core.seeding import SeedStreams
from core.strategy import Strategy


@dataclass(frozen=True)
class TrainedNetwork:
    """A trained network on an evaluation seed, and the data of its run, normalised and on its device.

    Attributes:
        network: at the chosen epoch's parameters.
        strategy: that it was trained with, likewise.
        train: the training split.
        test: the test split.
        streams: the run's seeds; a measurement draws from streams of its own name.
        density: the target share of open blocks.
        mean: what was subtracted from the dataset's features.
        std: what they were divided by then.
    """

    network: GatedNetwork
    strategy: Strategy
    train: Split
    test: Split
    streams: SeedStreams
    density: float
    mean: float = 0.0
    std: float = 1.0
