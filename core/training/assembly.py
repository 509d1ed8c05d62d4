"""The network and the strategy of a run, put together as they are before training."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from core.architecture import Architecture
from core.errors import InputError
from core.network.kinds import build_network
from core.network.network import GatedNetwork
from core.seeding import SeedStreams
from core.strategy import Strategy


def untrained(
    strategy_type: type[Strategy],
    strategy_settings: Mapping[str, Any],
    architecture: Architecture,
    streams: SeedStreams,
    *,
    density: float,
) -> tuple[GatedNetwork, Strategy]:
    """Return a network and its strategy on the CPU, at their initial values.

    Args:
        strategy_type: the strategy.
        strategy_settings: values for its space; the rest take their defaults.
        architecture: the network before the strategy's own ``reshape``.
        streams: all randomness of the run.
        density: the target share of open blocks.

    Raises:
        InputError: a setting of the strategy is unknown or out of range, or one is given for another number of layers;
            or the network does not support what the strategy needs.
    """
    if (lacking := architecture.lacks(strategy_type.needs)) is not None:
        raise InputError(f"{strategy_type.name()} needs {lacking}, which network {architecture.network} does not have")
    architecture = strategy_type.reshape(architecture, density)
    network = build_network(architecture, recurrent="passes" in strategy_type.needs)
    network.reset(lambda part: streams.torch("initialisation", part), density)
    strategy = strategy_type(architecture, strategy_settings, streams.torch("initialisation", "strategy"))
    network.set_gater_biases(strategy.initial_bias(density))
    network.centre_scores(strategy.centres_scores())
    return network, strategy


def joined(network: GatedNetwork, strategy: Strategy) -> nn.ModuleDict:
    """Return both as one module, whose state is all that training changes: ``network.`` and ``strategy.`` parts."""
    return nn.ModuleDict({"network": network, "strategy": strategy})
