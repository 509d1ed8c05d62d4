"""What a module of a strategy's own is charged, against numbers worked out by hand for 5 features and 4 x 3 units."""

import pytest
import torch
from torch import Tensor, nn

from core.network.counting import Count
from core.strategy import Decide, Decision, ProtocolError, Site
from tests.support.networks import FEATURES, batch_of, network_of, normal

TWO_OPEN = torch.tensor([[1.0, 0.0, 1.0, 0.0]], dtype=torch.float64)
PASS = 5 * 6 + 6 * 3


def mapping(*modules: nn.Module | None, seen: list[Tensor] | None = None, detached: bool = False) -> Decide:
    """Run a module at each site on its hidden, or on the first site's."""
    first: list[Tensor] = []

    def decide(site: Site) -> Decision:
        first.append(site.hidden)
        module = modules[site.index]
        if module is not None:
            inputs = [] if seen is None else [first[0]]
            found = site.map(module, *([site.hidden.detach()] if detached else inputs))
            assert found.shape[0] == 1
        return Decision(TWO_OPEN if site.index == 0 else TWO_OPEN[:, :2])

    return decide


def test_a_module_of_two_layers_costs_its_products_forward_and_backward():
    module = nn.Sequential(nn.Linear(5, 7), nn.ReLU(), nn.Linear(7, 4)).double()
    done = network_of("4x3")(normal(1, FEATURES), mapping(module))
    assert done.macs.tolist() == [PASS + 5 * 7 + 7 * 4]
    # Twice the first product, whose input is data; three times the second.
    assert done.training_macs.tolist() == [60 + 54 + 2 * 35 + 3 * 28]


def test_a_module_is_charged_where_a_strategy_compiles_what_it_does(monkeypatch):
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    done = network_of("4x3")(normal(1, FEATURES), mapping(nn.Linear(5, 4).double()))
    assert done.macs.tolist() == [PASS + 5 * 4]


@pytest.mark.parametrize("kind", ["linear", "sequential", "own"])
def test_a_product_that_reads_a_gated_layer_costs_its_open_units(kind):
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(12, 2)

        def forward(self, hidden):
            return self.inner(hidden) + 1

    module = {"linear": nn.Linear(12, 2), "sequential": nn.Sequential(nn.Linear(12, 2), nn.Tanh()), "own": Own()}[kind]
    plain = network_of("4x3,2x2")(normal(1, FEATURES), mapping(None, None))
    done = network_of("4x3,2x2")(normal(1, FEATURES), mapping(None, module.double()))
    assert (done.macs - plain.macs).tolist() == [6 * 2]
    # Forward, the weight's gradient, and that to the six open units.
    assert (done.training_macs - plain.training_macs).tolist() == [3 * 6 * 2]


def test_what_is_detached_needs_no_gradient_to_its_input():
    plain = network_of("4x3,2x2")(normal(1, FEATURES), mapping(None, None))
    done = network_of("4x3,2x2")(normal(1, FEATURES), mapping(None, nn.Linear(12, 2).double(), detached=True))
    assert (done.macs - plain.macs).tolist() == [6 * 2]
    assert (done.training_macs - plain.training_macs).tolist() == [2 * 6 * 2]


def test_a_predictor_may_read_the_input_of_an_earlier_layer():
    plain = network_of("4x3,2x2")(normal(1, FEATURES), mapping(None, None))
    module = nn.Linear(FEATURES, 2).double()
    done = network_of("4x3,2x2")(normal(1, FEATURES), mapping(None, module, seen=[]))
    assert (done.macs - plain.macs).tolist() == [5 * 2]
    assert (done.training_macs - plain.training_macs).tolist() == [2 * 5 * 2]


def test_a_linear_map_of_the_input_costs_what_the_gater_costs():
    network = network_of("4x3,2x2")

    def scoring(site: Site) -> Decision:
        assert site.scores.shape == (1, site.blocks)
        return Decision(TWO_OPEN if site.index == 0 else TWO_OPEN[:, :2])

    gater = network(normal(1, FEATURES), scoring)
    own = network(normal(1, FEATURES), mapping(nn.Linear(5, 4).double(), nn.Linear(12, 2).double()))
    assert own.macs.tolist() == gater.macs.tolist()
    assert own.training_macs.tolist() == gater.training_macs.tolist()


def test_a_map_changes_no_number_and_no_gradient_and_draws_nothing():
    first = nn.Linear(5, 7)
    module = nn.Sequential(first, nn.Dropout(0.5), nn.Linear(7, 4)).double()
    x, found = normal(3, FEATURES), []
    for _ in range(2):
        torch.manual_seed(0)
        module.zero_grad()

        def decide(site: Site) -> Decision:
            found.append(site.map(module))
            return Decision(torch.ones(3, 4, dtype=torch.float64))

        network_of("4x3")(x, decide)
        found[-1].sum().backward()
        assert first.weight.grad is not None
        found.append(first.weight.grad.clone())
    torch.manual_seed(0)
    expected = module(x)
    # The first time it is counted, the second time not.
    assert torch.equal(found[0], expected)
    assert torch.equal(found[2], expected)
    assert torch.equal(found[1], found[3])


def test_a_larger_batch_is_counted_for_its_own_shape():
    class OfTheBatch(nn.Module):
        def forward(self, hidden):
            return hidden @ hidden.T

    module = OfTheBatch()
    for rows in (2, 6, 2):
        batch = batch_of(network_of("4x3"), normal(rows, FEATURES))
        done = batch(lambda site: (site.map(module), Decision(torch.zeros(site.hidden.shape[0], 4).double()))[1])
        assert done.macs.tolist() == [rows * FEATURES] * rows


def test_without_gradients_only_the_forward_pass_is_charged():
    module = nn.Sequential(nn.Linear(5, 7), nn.Linear(7, 4)).double()
    with torch.no_grad():
        done = network_of("4x3")(normal(1, FEATURES), mapping(module))
    assert done.macs.tolist() == done.training_macs.tolist() == [PASS + 35 + 28]


def test_multiplications_are_counted_at_one_each_and_sums_are_free():
    class ByHand(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(4, 5, dtype=torch.float64), requires_grad=False)

        def forward(self, hidden):
            return (hidden[:, None] * self.weight).sum(dim=2) + 1

    done = network_of("4x3")(normal(1, FEATURES), mapping(ByHand()))
    assert done.macs.tolist() == [PASS + 20]


def test_a_module_returns_one_tensor():
    class Pair(nn.Module):
        def forward(self, hidden):
            return hidden, hidden

    with pytest.raises(ProtocolError, match="a module returned tuple, expected one tensor"):
        network_of("4x3")(normal(1, FEATURES), mapping(Pair()))


def test_a_projection_of_two_layers_is_charged_like_a_map():
    batch = batch_of(network_of("4x3"), normal(1, FEATURES))
    done = batch(mapping(None))
    before = batch.training_macs()
    head = nn.Sequential(nn.Linear(12, 7), nn.Linear(7, 1)).double()
    torch.testing.assert_close(batch.project(done, head), head(done.hidden))
    assert batch.macs(done).tolist() == [PASS + 6 * 7 + 7]
    assert batch.training_macs() == before + 3 * (6 * 7 + 7)


@pytest.mark.parametrize(
    ("call", "macs"),
    [
        (lambda x: x @ torch.ones(5, 3), 2 * 5 * 3),
        (lambda x: torch.einsum("bf,nf->bn", x, torch.ones(3, 5)), 2 * 5 * 3),
        (lambda x: torch.cdist(x, torch.ones(3, 5)), 2 * 5 * 3),
        (lambda x: x @ torch.ones(5), 2 * 5),
        (lambda x: torch.outer(x[0], x[1]), 25),
        (lambda x: nn.functional.conv1d(x[:, None], torch.ones(3, 1, 2)), 2 * 4 * 3 * 2),
        (lambda x: (x * 2).square() / 3, 3 * 10),
        (lambda x: (x + 1).relu().sum(dim=1).sort().values, 0),
    ],
)
def test_products_are_counted_by_their_shapes(call, macs):
    with Count([]) as count:
        call(torch.ones(2, 5))
    assert count.macs == macs


def test_products_are_counted_under_inference_mode_too():
    with torch.inference_mode(), Count([]) as count:
        nn.functional.linear(torch.ones(2, 5), torch.ones(3, 5))
    assert count.macs == 30
