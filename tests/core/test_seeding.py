from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from core.architecture import Architecture
from core.data import Split, Splits
from core.network.fully_connected import FullyConnectedNetwork
from core.parts.gates import open_all
from core.seeding import SeedStreams
from core.strategy import Batch, Decision, Pass, Site, Strategy
from core.training.batch import CountedBatch
from core.training.settings import TrainingSettings
from core.training.train import train
from strategies import find, names

STREAMS = SeedStreams(7, "evaluate", "digits", 3)
FEATURES = 4


def drawn(streams: SeedStreams, *stream: str) -> tuple[float, ...]:
    return tuple(torch.rand(4, generator=streams.torch(*stream), dtype=torch.float64).tolist())


def test_equal_streams_draw_equal_numbers():
    assert drawn(STREAMS, "order") == drawn(replace(STREAMS), "order")
    assert STREAMS.numpy("order").random() == replace(STREAMS).numpy("order").random()


@pytest.mark.parametrize("changed", [{"root": 8}, {"role": "tune"}, {"dataset": "mnist1d"}, {"index": 4}], ids=str)
def test_streams_differ_by_every_part_of_their_name(changed):
    assert drawn(STREAMS, "order") != drawn(replace(STREAMS, **changed), "order")
    assert STREAMS.numpy("order").random() != replace(STREAMS, **changed).numpy("order").random()


def test_streams_of_different_names_differ():
    names = [("order",), ("gates",), ("gates", "train"), ("train", "gates"), ("gatestrain",), ()]
    assert len({drawn(STREAMS, *name) for name in names}) == len(names)


def test_drawing_from_one_stream_does_not_move_another():
    order = STREAMS.torch("order")
    torch.rand(100, generator=STREAMS.torch("gates"))
    assert tuple(torch.rand(4, generator=order, dtype=torch.float64).tolist()) == drawn(STREAMS, "order")


@dataclass(frozen=True)
class Met:
    """What a strategy meets at one step of its training."""

    x: Tensor
    parameters: dict[str, Tensor]
    output: Tensor
    scores: list[Tensor]


def spying(strategy_type: type[Strategy], met: list[Met]) -> type[Strategy]:
    """The strategy, telling at every step first what the network is, and what an ungated pass makes of the batch."""

    class Spying(strategy_type):  # type: ignore[valid-type,misc]
        def objective(self, batch: Batch) -> tuple[Tensor, Pass]:
            assert isinstance(batch, CountedBatch)
            sites: list[Site] = []

            def decide(site: Site) -> Decision:
                sites.append(site)
                return open_all(site)

            output = batch(decide).output
            parameters = {name: each.detach().clone() for name, each in batch._network.named_parameters()}
            scores = [site.scores.detach() for site in sites]
            met.append(Met(sites[0].hidden[:, :FEATURES], parameters, output.detach(), scores))
            return super().objective(batch)  # type: ignore[no-any-return]

    return Spying


def steps(name: str) -> list[Met]:
    x = torch.randn(30, FEATURES, generator=torch.Generator().manual_seed(0))
    split = Split(x, torch.arange(30) % 3)
    met: list[Met] = []
    settings = TrainingSettings.of({"epochs": 2, "batch_size": 8})
    architecture = Architecture.parse("4x2,3x2", FEATURES, 3)
    train(spying(find(name), met), {}, architecture, Splits(split, split, None), STREAMS, settings, density=0.5)
    assert len(met) == 8
    return met


@pytest.mark.parametrize("name", sorted({*names()} - {"dense", "small_dense"}))
def test_strategies_share_initial_parameters_and_the_order_of_the_data(name):
    found, expected = steps(name), steps("dense")
    order, expected_order = (torch.cat([step.x for step in each]) for each in (found, expected))
    assert torch.equal(order, expected_order)
    assert not torch.equal(order[:30], order[30:])

    first, expected_first = found[0], expected[0]
    of_passes = {"recurrence.weight", "gaters.0.carried_weight"} if "passes" in find(name).needs else set()
    assert first.parameters.keys() == expected_first.parameters.keys() | of_passes
    # Gaters start where a strategy's own gates are open to the budget.
    architecture = Architecture.parse("4x2,3x2", FEATURES, 3)
    strategy = find(name)(architecture, {}, STREAMS.torch("initialisation", "strategy"))
    shift = strategy.initial_bias(0.5)
    for part, parameter in expected_first.parameters.items():
        expected_parameter = parameter + shift if part.startswith("gaters") and part.endswith("bias") else parameter
        torch.testing.assert_close(first.parameters[part], expected_parameter, rtol=0, atol=1e-7, msg=part)
    # Only to rounding: the products of a network that carries a state on are wider.
    torch.testing.assert_close(first.output, expected_first.output)
    # Biases start equal, so that centred scores of blocks differ as plain ones do.
    expected_scores = [
        scores - scores.mean(dim=1, keepdim=True) if strategy.centres_scores() else scores
        for scores in expected_first.scores
    ]
    torch.testing.assert_close([scores - shift for scores in first.scores], expected_scores)


def test_every_part_of_a_network_starts_from_another_stream():
    network = FullyConnectedNetwork(Architecture.parse("2x3,2x3,2x3", 6, 6))
    network.reset(lambda part: STREAMS.torch("initialisation", part), 0.5)
    weights = [network.layers[index].weight.flatten() for index in range(3)]  # type: ignore[operator]
    assert not torch.equal(weights[1], weights[2])
