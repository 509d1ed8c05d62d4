"""An example's prediction is its own: noise goes with the example, and whatever else differs is found."""

import pytest
import torch

from core.strategy import ProtocolError, Strategy
from core.training.draws import Draws, UnmatchedError
from core.training.independence import Dependence, check_independence, dependence
from strategies import find, names
from tests.support import cheats
from tests.support.networks import FEATURES, network_of, normal, seeded

X = normal(29, FEATURES)


def found(strategy_type: type[Strategy]) -> Dependence:
    network = network_of("4x3,4x2", recurrent="passes" in strategy_type.needs)
    strategy = strategy_type(network.architecture, {}, seeded()).double()
    return dependence(network, strategy, X, seeded(1), density=0.5)


@pytest.mark.parametrize("name", [name for name in names() if name != "small_dense"])
def test_what_our_strategies_infer_is_the_examples_own(name):
    result = found(find(name))
    assert (result.share, result.compared) == (0.0, True)


@pytest.mark.parametrize(
    "cheat",
    [cheats.ExpertChoice, cheats.NormalisedByTheBatch, cheats.BernoulliOfTheBatch],
    ids=lambda each: each.__name__,
)
def test_a_choice_among_the_batch_is_found(cheat):
    assert found(cheat).share > 0.01


def test_a_dependence_is_said_in_one_line():
    network = network_of("4x3")
    strategy = cheats.ExpertChoice(network.architecture, {}, seeded())
    with pytest.raises(
        ProtocolError, match=r"depends on the other examples of its batch: .*, infer executes other block"
    ):
        check_independence(network, strategy, X, seeded(), density=0.5)


def test_too_few_examples_are_not_compared():
    network = network_of("4x3")
    strategy = cheats.ExpertChoice(network.architecture, {}, seeded())
    check_independence(network, strategy, X[:7], seeded(), density=0.5)


DRAWS = {
    "rand": lambda rows, generator: torch.rand(rows, 3, generator=generator),
    "uniform_": lambda rows, generator: torch.empty(rows, 3).uniform_(generator=generator),
    "normal_": lambda rows, generator: torch.empty(rows, 3).normal_(generator=generator),
    "exponential_": lambda rows, generator: torch.empty(rows, 3).exponential_(generator=generator),
    "bernoulli": lambda rows, generator: torch.bernoulli(torch.full((rows, 3), 0.5), generator=generator),
    "two samples": lambda rows, generator: torch.randn(2 * rows, 3, generator=generator),
    "in the second dimension": lambda rows, generator: torch.randn(4, rows, generator=generator),
}


@pytest.mark.parametrize("draw", DRAWS)
def test_an_example_keeps_its_draws(draw):
    draws, generator = Draws(7), seeded()
    with draws.noted():
        everything = DRAWS[draw](7, generator)
    state = generator.get_state()
    chosen = torch.tensor([5, 0])
    with draws.again(chosen):
        again = DRAWS[draw](2, generator)
    rows = torch.cat([chosen, chosen + 7]) if draw == "two samples" else chosen
    assert torch.equal(again, everything.index_select(1 if draw == "in the second dimension" else 0, rows))
    assert torch.equal(generator.get_state(), state)


def test_fewer_draws_are_a_beginning_of_the_noted_ones_and_more_are_refused():
    draws, generator = Draws(7), seeded()
    with draws.noted():
        first, _ = torch.rand(7, generator=generator), torch.rand(7, generator=generator)
    with draws.again(torch.tensor([3])):
        assert torch.rand(1, generator=generator).item() == first[3].item()
    with draws.again(torch.tensor([3])):
        torch.rand(1, generator=generator), torch.rand(1, generator=generator)
        with pytest.raises(UnmatchedError, match="more draws"):
            torch.rand(1, generator=generator)


def test_a_draw_that_is_shared_by_all_examples_is_the_same_again():
    draws, generator = Draws(7), seeded()
    with draws.noted():
        shared = torch.rand(3, generator=generator)
    with draws.again(torch.tensor([3])):
        assert torch.equal(torch.rand(3, generator=generator), shared)
