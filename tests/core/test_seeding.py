from dataclasses import replace

import pytest
import torch

from core.architecture import Architecture
from core.data import Split, Splits
from core.network.fully_connected import GatedNetwork
from core.parts.gates import open_all
from core.seeding import SeedStreams
from core.strategy import Batch, Decision, Pass, Site, Strategy
from core.training.settings import TrainingSettings
from core.training.train import train
from strategies import find, names

STREAMS = SeedStreams(7, "evaluate", "digits", 3)


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


def spying(strategy_type: type[Strategy], seen: list[tuple[torch.Tensor, ...]]) -> type[Strategy]:
    """The strategy, telling at every step first what an ungated pass over the batch looks like."""

    class Spying(strategy_type):  # type: ignore[valid-type,misc]
        def objective(self, batch: Batch) -> tuple[torch.Tensor, Pass]:
            sites: list[Site] = []

            def decide(site: Site) -> Decision:
                sites.append(site)
                return open_all(site)

            output = batch(decide).output
            seen.append((sites[0].hidden[:, :4], output.detach(), *(site.scores.detach() for site in sites)))
            return super().objective(batch)  # type: ignore[no-any-return]

    return Spying


def first_and_order(name: str) -> tuple[tuple[torch.Tensor, ...], torch.Tensor]:
    """What the first step sees of the network, and every step's batch."""
    x = torch.randn(30, 4, generator=torch.Generator().manual_seed(0))
    split = Split(x, torch.arange(30) % 3)
    seen: list[tuple[torch.Tensor, ...]] = []
    settings = TrainingSettings.of({"epochs": 2, "batch_size": 8})
    architecture = Architecture.parse("4x2,3x2", 4, 3)
    train(spying(find(name), seen), {}, architecture, Splits(split, split, None), STREAMS, settings, density=0.5)
    assert len(seen) == 8
    return seen[0], torch.cat([batch for batch, *_ in seen])


@pytest.mark.parametrize("name", sorted({*names()} - {"dense", "small_dense"}))
def test_strategies_share_initial_parameters_and_the_order_of_the_data(name):
    first, order = first_and_order(name)
    expected_first, expected_order = first_and_order("dense")
    assert torch.equal(order, expected_order)
    assert not torch.equal(order[:30], order[30:])
    for found, expected in zip(first, expected_first, strict=True):
        assert torch.equal(found, expected)


def test_every_part_of_a_network_starts_from_another_stream():
    network = GatedNetwork(Architecture.parse("2x3,2x3,2x3", 6, 6))
    network.reset(lambda part: STREAMS.torch("initialisation", part), 0.5)
    weights = [network.layers[index].weight.flatten() for index in range(3)]  # type: ignore[operator]
    assert not torch.equal(weights[1], weights[2])
