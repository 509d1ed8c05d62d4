"""What the dense network is trained for is what the strategies that it is compared with are trained for."""

import pytest

import strategies
from core import data
from core.architecture import Architecture
from core.seeding import SeedStreams
from core.training.settings import TrainingSettings
from core.training.train import train
from studies import catalogue
from studies.catalogue.training_cost import EPOCHS_OF_REINFORCE, EPOCHS_OF_TOP_K


def macs_of_an_epoch(strategy: str, density: float) -> float:
    streams = SeedStreams(0, "evaluate", "mnist_5k", 0)
    splits = data.split(data.load("mnist_5k"), streams, "resampled")
    architecture = Architecture.parse("16x16", features=784, classes=10)
    settings = TrainingSettings.of({"epochs": 1})
    (epoch,) = train(strategies.find(strategy), {}, architecture, splits, streams, settings, density=density).history
    return epoch.train_macs


def test_an_epoch_of_the_dense_network_is_as_many_of_theirs():
    dense = macs_of_an_epoch("dense", 1.0)
    assert dense / macs_of_an_epoch("top_k", 1 / 8) == pytest.approx(EPOCHS_OF_TOP_K, rel=0.01)
    assert dense / macs_of_an_epoch("reinforce", 1 / 8) == pytest.approx(EPOCHS_OF_REINFORCE, rel=0.01)


@pytest.mark.parametrize(("scale", "epochs"), [("quick", [1, 4]), ("default", [2, 9]), ("paper", [9, 37])])
def test_the_dense_network_stops_when_they_have_spent_as_much(scale, epochs):
    arms = {arm.name: arm for arm in catalogue.find("training_cost").scales[scale].arms}
    names = [f"dense, for {strategy}'s training" for strategy in ("top_k", "reinforce")]
    assert [arms[name].training["epochs"] for name in names] == epochs
