"""Dead blocks are revived from living ones, and nothing else is touched."""

from typing import ClassVar, cast

import pytest
import torch
from torch import Tensor

from core.architecture import Architecture
from core.network.blocks import Gater
from core.network.fully_connected import FullyConnectedNetwork
from core.parts.gates import top_blocks
from core.seeding import SeedStreams
from core.strategy import Batch, Decision, Family, Pass, Strategy
from core.training.revival import Revival
from core.training.settings import TrainingSettings
from core.training.train import train
from strategies import find
from tests.support.clouds import clouds

USED = torch.tensor([[1.0, 0.0, 3.0, 2.0, 0.0]])


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(5)


def network(*, recurrent: bool = False) -> FullyConnectedNetwork:
    made = FullyConnectedNetwork(Architecture.parse("5x2", 3, 2), recurrent=recurrent)
    made.reset(lambda _: generator(), 0.2)
    for parameter in made.gaters.parameters():
        parameter.data.copy_(torch.arange(parameter.numel()).view_as(parameter))
    return made


def bias(made: FullyConnectedNetwork) -> Tensor:
    return cast(Gater, made.gaters[0]).bias


def stepped(made: FullyConnectedNetwork) -> torch.optim.Adam:
    optimizer = torch.optim.Adam(made.parameters(), lr=0.0)
    torch.stack([parameter.square().sum() for parameter in made.parameters()]).sum().backward()
    optimizer.step()
    return optimizer


def revive(made: FullyConnectedNetwork, used: Tensor = USED, patience: int = 1) -> tuple[Revival, torch.optim.Adam]:
    optimizer = stepped(made)
    revival = Revival(made, optimizer, patience, generator(), density=0.2)
    revival.count([used])
    return revival, optimizer


@pytest.mark.parametrize("recurrent", [False, True])
def test_dead_rows_become_those_of_the_most_used_blocks_plus_fresh_weights(recurrent):
    made = network(recurrent=recurrent)
    before = [parameter.detach().clone() for parameter in made.gaters.parameters()]
    revival, _ = revive(made)
    assert revival.end_epoch() == 2
    alive = [0, 2, 3]
    for old, new in zip(before, made.gaters.parameters(), strict=True):
        assert torch.equal(new[alive], old[alive])
        fresh = new[[1, 4]] - old[[2, 3]]
        if new.dim() == 1:
            assert torch.equal(fresh, torch.zeros(2))
        else:
            assert 0 < fresh.abs().max() < (6 / sum(new.shape)) ** 0.5
            assert not torch.equal(fresh[0], fresh[1])


def test_the_optimizers_state_goes_along():
    made = network()
    revival, optimizer = revive(made)
    averages = {name: optimizer.state[p]["exp_avg"] for name, p in made.gaters.named_parameters()}
    before = {name: average.clone() for name, average in averages.items()}
    revival.end_epoch()
    for name, average in averages.items():
        assert torch.equal(average[[1, 4]], before[name][[2, 3]])
        assert torch.equal(average[[0, 2, 3]], before[name][[0, 2, 3]])
        assert not torch.equal(average, before[name])


def test_an_optimizer_without_state_will_do():
    made = network()
    revival = Revival(made, torch.optim.SGD(made.parameters(), lr=0.1), 1, generator(), density=0.2)
    revival.count([USED])
    assert revival.end_epoch() == 2


def test_use_in_any_batch_keeps_a_block_alive():
    revival, _ = revive(network())
    revival.count([torch.tensor([[0.0, 1.0, 0.0, 0.0, 1.0]])])
    assert revival.end_epoch() == 0


def test_patience_counts_idle_epochs_in_a_row():
    revival, _ = revive(network(), patience=2)
    assert revival.end_epoch() == 0
    revival.count([torch.tensor([[1.0, 1.0, 1.0, 1.0, 0.0]])])
    assert revival.end_epoch() == 1, "block 4 was idle twice, block 1 only once"
    revival.count([USED])
    assert revival.end_epoch() == 0, "both have been idle once since"
    revival.count([USED])
    assert revival.end_epoch() == 2


def test_more_dead_than_living_share_the_living():
    made = network()
    before = bias(made).detach().clone()
    revival, _ = revive(made, torch.tensor([[0.0, 1.0, 0.0, 0.0, 0.0]]))
    assert revival.end_epoch() == 4
    assert torch.equal(bias(made), before[1].expand(5))


def test_a_layer_without_a_living_block_is_left_alone():
    made = network()
    before = bias(made).detach().clone()
    revival, _ = revive(made, torch.zeros(1, 5))
    assert revival.end_epoch() == 0
    assert torch.equal(bias(made), before)


class OpensOne(Strategy):
    """Opens the same block for every example, so that all others die."""

    source: ClassVar[str] = "test"
    family: ClassVar[Family] = "routing"

    def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
        done = self.infer(batch)
        return done.mean_loss(), done

    def infer(self, batch: Batch) -> Pass:
        return batch(lambda site: Decision(top_blocks(0 * site.scores + torch.arange(4.0), 1)))


def fit(revive_after: int) -> None:
    settings = TrainingSettings.of({"epochs": 4, "batch_size": 10, "revive_after": revive_after})
    streams = SeedStreams(0, "evaluate", "clouds", 0)
    train(OpensOne, {}, Architecture.parse("4x2", 5, 3), clouds(), streams, settings, density=0.25)


def test_training_revives_only_if_asked_and_if_scores_are_blocks(monkeypatch):
    revived: list[int] = []
    original = Revival.end_epoch

    def noted(self: Revival) -> int:
        revived.append(original(self))
        return revived[-1]

    monkeypatch.setattr(Revival, "end_epoch", noted)
    fit(revive_after=0)
    assert revived == []
    fit(revive_after=1)
    assert revived == [3, 3, 3], "after every epoch but the last"
    revived.clear()
    monkeypatch.setattr(OpensOne, "scores_blocks", False)
    fit(revive_after=1)
    assert revived == []


def test_a_tree_does_not_score_blocks():
    assert not find("tree_routing").scores_blocks
    assert find("top_k").scores_blocks
