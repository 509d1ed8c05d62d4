import pytest
import torch

from core.parts.imitation import imitation_loss

INF = torch.inf


def gradient(costs: list[list[float]], targets: str, temperature: float = 0.1) -> torch.Tensor:
    """With respect to the scores of a student that prefers nothing."""
    scores = torch.zeros(len(costs), len(costs[0]), requires_grad=True)
    imitation_loss(scores, torch.tensor(costs), targets, temperature).backward()
    assert scores.grad is not None
    return scores.grad


@pytest.mark.parametrize("targets", ["hard", "regret", "expected", "soft"])
def test_it_draws_the_scores_to_the_cheapest_block(targets):
    found = gradient([[1.0, 0.5, 2.0]], targets)
    assert found[0, 1] < 0
    assert found.argmin() == 1
    assert found[0, 2] > 0


@pytest.mark.parametrize("targets", ["hard", "regret", "expected", "soft"])
def test_what_is_no_choice_gets_no_gradient(targets):
    found = gradient([[1.0, INF, 0.5, 0.5]], targets)
    assert found[0, 1] == 0
    assert torch.isfinite(found).all()
    torch.testing.assert_close(found[0, 2], found[0, 3])


@pytest.mark.parametrize(("targets", "ratio"), [("hard", 1.0), ("regret", 1e6), ("expected", 1e6)])
def test_by_regret_a_gain_that_hardly_matters_hardly_teaches(targets, ratio):
    found = gradient([[0.0, 1e-6], [0.0, 1.0]], targets).abs().sum(dim=1)
    assert (found[1] / found[0]).item() == pytest.approx(ratio, rel=1e-3)


def test_where_all_cost_the_same_nothing_is_taught():
    for targets in ("soft", "regret", "expected"):
        torch.testing.assert_close(gradient([[0.7, 0.7, 0.7]], targets), torch.zeros(1, 3))


def test_a_low_temperature_is_hard():
    costs = [[1.0, 0.5, 2.0], [0.1, 0.2, 0.3]]
    torch.testing.assert_close(gradient(costs, "soft", 1e-4), gradient(costs, "hard"))


def test_one_choice_is_learned_without_loss():
    assert imitation_loss(torch.randn(1, 2), torch.tensor([[INF, 1.0]]), "regret", 1.0).item() == 0
