"""Top-p routing: the fewest blocks for a mass, and a mass that keeps the budget."""

import pytest
import torch
from torch import Tensor

from core.parts.distributions.top_p import top_p_blocks
from core.training.batch import CountedBatch
from strategies.top_p import TopP
from tests.support.networks import FEATURES, network_of, normal, seeded

ROWS = 200
X, Y = normal(ROWS, FEATURES), torch.arange(ROWS) % 3


def opened(p: float) -> list[float]:
    scores = torch.tensor([[1.0, 3.0, 4.0, 2.0]]).log()
    found: list[float] = top_p_blocks(scores, torch.tensor(p))[0].tolist()
    return found


@pytest.mark.parametrize(
    ("p", "expected"),
    [(0.0, [0, 0, 1, 0]), (0.3, [0, 0, 1, 0]), (0.5, [0, 1, 1, 0]), (0.8, [0, 1, 1, 1]), (0.99, [1, 1, 1, 1])],
)
def test_the_fewest_blocks_of_that_mass_are_open(p, expected):
    assert opened(p) == expected


def test_sure_examples_open_fewer_blocks_than_unsure_ones():
    scores = torch.tensor([[9.0, 0.0, 0.0, 0.0], [0.2, 0.1, 0.0, 0.1]])
    assert top_p_blocks(scores, torch.tensor(0.6)).sum(dim=1).tolist() == [1, 3]


@pytest.mark.parametrize("density", [0.25, 0.5])
@pytest.mark.parametrize("layers", ["8x2", "8x2,4x2"])
def test_p_moves_until_the_budget_is_kept(layers, density):
    network = network_of(layers, density=density)
    strategy = TopP(network.architecture, {"noise": 0, "step": 0.2}, seeded())
    shares: list[Tensor] = []
    for _ in range(150):
        batch = CountedBatch(network, X, Y, seeded(), density=density)
        _, done = strategy.objective(batch)
        shares.append(torch.stack([gates.mean() for gates in done.executed]))
    last = torch.stack(shares[-30:]).mean(dim=0)
    assert last.tolist() == pytest.approx([density] * len(last), rel=0.1)
    inferred = strategy.infer(CountedBatch(network, X, None, seeded(), density=density))
    for gates in inferred.executed:
        assert gates.mean().item() == pytest.approx(density, rel=0.15)
        assert (gates.sum(dim=1) >= 1).all()
