"""Search teachers: equal to brute force where they should be, within the budget, and blind to labels at test time."""

import itertools

import pytest
import torch
from torch import Tensor

import strategies
from core.architecture import Architecture
from core.network.fully_connected import FullyConnectedNetwork
from core.parts.gates import explicit, top_blocks
from core.strategy import Strategy
from core.training.batch import CountedBatch
from strategies.local_search import LocalSearch
from tests.support.networks import FEATURES, network_of, normal

ROWS, BLOCKS = 12, 6
Y = torch.arange(ROWS) % 3
NAMES = ["local_search", "greedy_structured"]


@pytest.fixture
def network() -> FullyConnectedNetwork:
    return network_of(f"{BLOCKS}x3")


def batch_with(network: FullyConnectedNetwork, labels: Tensor | None, density: float) -> CountedBatch:
    return CountedBatch(network, normal(ROWS, FEATURES), labels, torch.Generator().manual_seed(0), density=density)


def strategy_of(name: str, network: FullyConnectedNetwork, **settings: object) -> Strategy:
    return strategies.find(name)(network.architecture, settings, torch.Generator())


def loss_of(network: FullyConnectedNetwork, gates: list[Tensor]) -> Tensor:
    loss = batch_with(network, Y, 0.5)(explicit(gates)).loss
    assert loss is not None
    return loss.detach()


def best_of_all(network: FullyConnectedNetwork, count: int) -> Tensor:
    """The least loss of each example over every choice of ``count`` blocks."""
    choices = [
        torch.zeros(ROWS, BLOCKS, dtype=torch.float64).index_fill_(1, torch.tensor(blocks), 1.0)
        for blocks in itertools.combinations(range(BLOCKS), count)
    ]
    return torch.stack([loss_of(network, [gates]) for gates in choices]).amin(dim=0)


def climbed(network: FullyConnectedNetwork, count: int, **settings: object) -> tuple[Tensor, Tensor, Tensor]:
    """The gates that local search ends with, their loss, and the loss it started from."""
    teacher = strategy_of("local_search", network, **settings)
    assert isinstance(teacher, LocalSearch)
    start = top_blocks(normal(ROWS, BLOCKS, seed=5), count)
    batch = batch_with(network, Y, 0.5)
    found, _ = teacher._search(batch, batch.table(batch(explicit([start])), 0))
    return found, loss_of(network, [found]), loss_of(network, [start])


def test_one_step_finds_the_best_single_block(network):
    _, found, _ = climbed(network, 1, steps=1)
    torch.testing.assert_close(found, best_of_all(network, 1))


@pytest.mark.parametrize("count", [1, 2, 3, BLOCKS])
def test_a_step_keeps_the_budget_and_never_raises_the_loss(network, count):
    gates, found, started = climbed(network, count)
    assert gates.sum(dim=1).tolist() == [count] * ROWS
    assert bool((found <= started + 1e-12).all())
    assert bool((found < started - 1e-6).any()) == (count < BLOCKS)


def test_steps_and_restarts_come_close_to_brute_force(network):
    _, once, _ = climbed(network, 3, steps=1)
    _, thorough, _ = climbed(network, 3, steps=6, restarts=4)
    best = best_of_all(network, 3)
    assert thorough.mean() < once.mean()
    assert ((thorough - best).abs() < 1e-9).double().mean() > 0.8


@pytest.mark.parametrize("name", NAMES)
def test_imitation_alone_moves_the_scores_to_the_best_single_block(name, network):
    """The gradient that imitation alone sends to the scores is negative where the teacher names a block."""
    network.gaters[0].weight.data.zero_()
    network.gaters[0].bias.data.zero_()
    teacher = strategy_of(name, network, balance=0, noise=0)
    seen: list[Tensor] = []

    def keep(module: object, inputs: object, output: Tensor) -> None:
        output.retain_grad()
        seen.append(output)

    hook = network.gaters[0].register_forward_hook(keep)
    objective, _ = teacher.objective(batch_with(network, Y, 1 / BLOCKS))
    hook.remove()
    objective.backward()
    assert seen[0].grad is not None
    named = (seen[0].grad < 0).double()
    assert named.sum(dim=1).tolist() == [1] * ROWS
    torch.testing.assert_close(loss_of(network, [named]), best_of_all(network, 1))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", ["6x3", "6x3,4x2"])
def test_test_gates_keep_the_budget_and_need_no_labels(name, shape):
    network = network_of(shape)
    student = strategy_of(name, network)
    done = student.infer(batch_with(network, None, 0.5))
    for decision, layer in zip(done.decisions, network.architecture.layers, strict=True):
        assert decision.gates.sum(dim=1).tolist() == [layer.blocks // 2] * ROWS
    with_labels = student.infer(batch_with(network, Y.flip(0), 0.5))
    assert torch.equal(done.output, with_labels.output)


@pytest.mark.parametrize("name", NAMES)
def test_the_network_learns_on_the_students_gates_only(name):
    """The pass that is logged has the student's gates, whatever the labels that the teacher sees."""
    network = network_of("6x3")
    passes = [
        strategy_of(name, network, noise=0).objective(batch_with(network, labels, 0.5))[1] for labels in (Y, Y.flip(0))
    ]
    assert torch.equal(passes[0].decisions[0].gates, passes[1].decisions[0].gates)
    assert torch.equal(passes[0].output, passes[1].output)


# Of "6x3,4x2", half of each layer open, in multiply-adds per example: the closed units of a layer, what all its units
# contribute to the open ones above or to the classes, and for each candidate of the first layer the read-out behind the
# second. An exchange has 3 x 3 candidates and a start, a replacement flips all 6 gates twice; greedy opens one block
# after another, of 6 that there are.
TABLES = [5 * 9 + 18 * 4, 9 * 4 + 8 * 3]
CANDIDATE = 4 * 3


@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("restarts", [0, 2])
@pytest.mark.parametrize("moves", ["exchange", "replace"])
def test_any_number_of_steps_and_restarts_costs_one_table_a_layer_and_its_candidates(steps, restarts, moves):
    network = network_of("6x3,4x2")
    batch = batch_with(network, Y, 0.5)
    settings = {"steps": steps, "restarts": restarts, "moves": moves}
    _, done = strategy_of("local_search", network, **settings).objective(batch)
    candidates = (1 + restarts) * (1 + 9 * steps if moves == "exchange" else 2 * 6 * steps)
    expected = done.training_macs.sum() + ROWS * (sum(TABLES) + candidates * CANDIDATE)
    assert batch.training_macs() == expected


@pytest.mark.parametrize("beam", [1, 3])
def test_a_greedy_teacher_costs_one_table_a_layer_and_its_candidates(beam):
    network = network_of("6x3,4x2")
    batch = batch_with(network, Y, 0.5)
    _, done = strategy_of("greedy_structured", network, beam=beam, first_mix=0).objective(batch)
    spent = batch.training_macs() - done.training_macs.sum().item() - ROWS * sum(TABLES)
    # All examples together wait for the one that has most blocks to add: one to three steps of 1, then `beam`, sets.
    assert spent in [ROWS * 6 * (1 + beam * (steps - 1)) * CANDIDATE for steps in (1, 2, 3)]


@pytest.mark.parametrize("name", NAMES)
def test_in_one_layer_a_teacher_costs_at_most_three_times_reinforce(name):
    """On the network of the sanity study, in multiply-adds of one training batch; reinforce has two samples."""
    architecture = Architecture.parse("16x16", 784, 10)
    spent = {}
    for each in (name, "reinforce"):
        network = FullyConnectedNetwork(architecture)
        network.reset(lambda part: torch.Generator().manual_seed(0), 1 / 8)
        batch = CountedBatch(network, torch.rand(20, 784), torch.arange(20) % 10, torch.Generator(), density=1 / 8)
        settings = {"baseline": "samples", "samples": 2} if each == "reinforce" else {}
        strategy = strategies.find(each)(architecture, settings, torch.Generator())
        strategy.objective(batch)
        spent[each] = batch.training_macs()
    assert spent[name] <= 3 * spent["reinforce"]
