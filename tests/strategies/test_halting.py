"""Multi-pass strategies: what a price, a prior and a hard example do to the number of passes."""

import pytest
import torch

import strategies
from core.architecture import Architecture
from core.data import Split, Splits
from core.seeding import SeedStreams
from core.training.batch import CountedBatch
from core.training.settings import TrainingSettings
from core.training.train import Trained, train
from tests.support.networks import FEATURES, network_of, normal

STREAMS = SeedStreams(0, "evaluate", "halting", 0)
SETTINGS = TrainingSettings.of({"epochs": 20, "batch_size": 32, "learning_rate": 0.01, "gater_learning_rate": 0.01})


def clouds() -> Splits:
    """Two easy classes far away, and two hard ones that overlap."""
    generator = STREAMS.torch("data")
    y = torch.arange(512) % 4
    centres = torch.tensor([[8.0, 0.0], [-8.0, 0.0], [0.0, 0.7], [0.0, -0.7]])
    x = centres[y] + torch.randn(512, 2, generator=generator)
    return Splits(Split(x[:384], y[:384]), Split(x[384:], y[384:]), None)


def trained(name: str, *, network: str = "8x4", **settings: object) -> Trained:
    architecture = Architecture.parse(network, 2, 4)
    return train(strategies.find(name), settings, architecture, clouds(), STREAMS, SETTINGS, density=1 / 4)


def passes_of(result: Trained) -> torch.Tensor:
    """How many passes each validation example takes."""
    batch = CountedBatch(result.network, clouds().validation.x, None, STREAMS.torch("gates"), density=1 / 4)
    with torch.no_grad():
        done = result.strategy.infer(batch)
    return batch.passes(done)


def test_a_higher_ponder_price_means_fewer_passes():
    cheap, dear = (passes_of(trained("act_halting", ponder_price=price, price_rate=0)).mean() for price in (0, 3.0))
    assert dear < cheap - 0.3
    assert dear >= 1


def test_harder_examples_take_more_passes():
    passes, y = passes_of(trained("act_halting", ponder_price=0.8, price_rate=0)), clouds().validation.y
    assert passes[y >= 2].mean() > passes[y < 2].mean() + 0.2


@pytest.mark.slow
def test_more_expected_passes_of_the_prior_mean_more_passes():
    patient, hasty = (
        passes_of(trained("ponder_halting", expected_passes=expected, beta=1.0, price_rate=0)).mean()
        for expected in (2.0, 1.1)
    )
    assert hasty < patient - 0.5


@pytest.mark.slow
@pytest.mark.parametrize("name", ["act_halting", "ponder_halting", "reinforce_halting"])
def test_a_controlled_price_leads_to_as_many_passes_as_are_expected(name):
    # Stopping where it is more likely than not takes whole passes of examples that are alike.
    sampled = {} if name == "act_halting" else {"test_halting": "sampled"}

    def missed(rate: float) -> float:
        result = trained(name, network="16x4", expected_passes=2.0, price_rate=rate, **sampled)
        return abs(float(passes_of(result).mean()) - 2)

    assert missed(0.05) < 0.3 < missed(0)


def test_a_higher_price_per_pass_means_fewer_sampled_passes():
    cheap, dear = (
        passes_of(trained("reinforce_halting", pass_price=price, most_passes=3, price_rate=0)).mean()
        for price in (0, 1.0)
    )
    assert dear < cheap


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_fixed_passes_run_as_often_as_they_are_told(count):
    network = network_of("12x2", recurrent=True)
    strategy = strategies.find("fixed_passes")(network.architecture, {"passes": count}, torch.Generator())
    batch = CountedBatch(network, normal(5, FEATURES), None, torch.Generator(), density=0.5)
    done = strategy.infer(batch)
    assert batch.executed(done)[0].sum(dim=1).tolist() == [6] * 5
    assert batch.passes(done).tolist() == [count] * 5


@pytest.mark.parametrize(("density", "passes"), [(1 / 16, 1), (1 / 8, 2), (3 / 16, 3), (1 / 4, 4), (1 / 2, 4)])
def test_there_are_never_more_fixed_passes_than_blocks_in_the_budget(density, passes):
    network = network_of("16x2", recurrent=True)
    strategy = strategies.find("fixed_passes")(network.architecture, {"passes": 4}, torch.Generator())
    batch = CountedBatch(network, normal(5, FEATURES), None, torch.Generator(), density=density)
    assert batch.passes(strategy.infer(batch)).tolist() == [passes] * 5


@pytest.mark.parametrize("name", ["act_halting", "ponder_halting", "reinforce_halting"])
def test_a_budget_of_one_block_is_one_pass(name):
    network = network_of("16x2", recurrent=True)
    strategy = strategies.find(name)(network.architecture, {}, torch.Generator()).double()
    batch = CountedBatch(network, normal(5, FEATURES), None, torch.Generator(), density=1 / 16)
    assert batch.passes(strategy.infer(batch)).tolist() == [1] * 5


def test_only_passes_before_the_stop_are_charged():
    result = trained("ponder_halting")
    batch = CountedBatch(result.network, clouds().validation.x, None, STREAMS.torch("gates"), density=1 / 4)
    with torch.no_grad():
        macs = batch.macs(result.strategy.infer(batch))
    first = passes_of(result) == 1
    assert bool(first.any())
    # Data, gater, one block of four units, the read-out, and the halting unit.
    assert set(macs[first].tolist()) == {2 * 8 + 2 * 4 + 4 * 4 + 4}
