import pytest
import torch

from core.architecture import Architecture
from core.parts.gates import budget, open_counts, too_few_blocks, top_blocks
from tests.support.networks import normal, seeded


@pytest.mark.parametrize(("blocks", "density"), [(16, 1 / 8), (10, 0.3), (3, 1 / 3), (12, 1.0), (7, 3 / 7)])
def test_a_whole_number_of_blocks_is_opened_by_all_and_nothing_is_drawn(blocks, density):
    generator = seeded()
    before = generator.get_state()
    counts = open_counts(50, blocks, density, generator)
    assert set(counts.tolist()) == {round(blocks * density)}
    assert torch.equal(generator.get_state(), before)
    assert budget(blocks, density) == round(blocks * density)


@pytest.mark.parametrize(
    ("blocks", "density"), [(12, 1 / 8), (24, 1 / 16), (6, 1 / 4), (16, 1 / 5), (5, 0.99), (3, 0.5)]
)
def test_between_two_numbers_of_blocks_the_mean_is_the_budget(blocks, density):
    counts = open_counts(40_000, blocks, density, seeded())
    wanted = blocks * density
    assert set(counts.tolist()) == {int(wanted), int(wanted) + 1}
    # A share of 40,000 draws has a standard error of at most .0025.
    assert float(counts.double().mean()) == pytest.approx(wanted, abs=0.01)
    assert budget(blocks, density) == int(wanted)


def test_no_example_opens_less_than_one_block():
    assert open_counts(100, 4, 1 / 16, seeded()).tolist() == [1] * 100


def test_an_open_block_in_each_pass_must_fit_the_budget_and_its_tolerance():
    def said(network: str, density: float, tolerance: float = 0.2, passes: int = 1) -> str | None:
        return too_few_blocks(Architecture.parse(network, 2, 2), density, tolerance, passes)

    assert said("16x4", 1 / 16) is None
    assert said("7x4", 1 / 8) is None
    assert "layer 2 has 6 blocks" in (said("16x4,6x4", 1 / 8) or "")
    assert "at least" not in (said("6x4", 1 / 8) or "")
    assert "it takes 7 blocks, or a density of 0.139" in (said("6x4", 1 / 8) or "")
    assert "in each of 2 passes" in (said("16x4", 1 / 16, passes=2) or "")
    assert said("16x4", 1 / 8, passes=2) is None
    # What is said to be enough is.
    assert said("6x4", 0.139) is None


def test_counts_of_each_example_open_its_highest_scores():
    scores = normal(20, 6)
    counts = torch.arange(20) % 6 + 1
    gates = top_blocks(scores, counts)
    for row, count, chosen in zip(scores, counts.tolist(), gates, strict=True):
        assert set(chosen.nonzero()[:, 0].tolist()) == set(row.topk(count).indices.tolist())
    assert torch.equal(top_blocks(scores, torch.full((20,), 3)), top_blocks(scores, 3))
