"""Bias and variance of the strategy's own gradient estimator, before and after training (retrospective, R8)."""

from collections.abc import Mapping
from typing import Any

from core.network.kinds import build_network
from core.network.network import GatedNetwork
from core.strategy import Strategy
from core.training.probe import combinations, distribution_of, probe
from core.training.trained_network import TrainedNetwork

DRAWS = 200
EXAMPLES = 50
# Passes that the exact gradient takes at most: all gates of 10 blocks.
MOST_BLOCKS = 10
MOST_COMBINATIONS = 2**MOST_BLOCKS


def measure(trained: TrainedNetwork) -> dict[str, Any]:
    """Compare draws of the estimator with the exact gradient of the gate logits, on the first training examples.

    They are made with the strategy's :meth:`core.strategy.Strategy.estimator_settings`. See
    :class:`core.training.probe.Probe` for what is compared.

    Returns:
        ``initial``, of the network as training began with it, and ``trained``: each ``relative_variance``,
        ``relative_bias``, ``bias_by_chance``, which is what an unbiased estimator of this variance would show, and
        ``gradient``, the length of the exact one. Empty for a strategy whose gates' distribution is not known, and
        where there are more than ``MOST_BLOCKS`` blocks or ``MOST_COMBINATIONS`` draws.
    """
    network, strategy = trained.network, trained.strategy
    settings = strategy.estimator_settings()
    # Without a look at the distribution first: its support is listed, and may be too long a list.
    if settings is None or sum(layer.blocks for layer in network.architecture.layers) > MOST_BLOCKS:
        return {}
    if combinations(distribution_of(strategy, trained.density), network.architecture) > MOST_COMBINATIONS:
        return {}
    fresh = build_network(network.architecture)
    fresh.reset(lambda part: trained.streams.torch("initialisation", part), trained.density)
    fresh.set_gater_biases(strategy.initial_bias(trained.density))
    fresh.to(trained.train.x.device)
    first, last = _set(settings, trained), _set(settings, trained)
    last.load_state_dict(strategy.state_dict())
    return {
        "initial": _probed(first, fresh, trained, progress=0.0),
        "trained": _probed(last, network, trained, progress=1.0),
    }


def _set(settings: Mapping[str, Any], trained: TrainedNetwork) -> Strategy:
    """Return a new strategy of the trained one's kind, with these settings."""
    initial = trained.streams.torch("initialisation", "strategy")
    return type(trained.strategy)(trained.strategy.architecture, settings, initial).to(trained.train.x.device)


def _probed(strategy: Strategy, network: GatedNetwork, trained: TrainedNetwork, *, progress: float) -> dict[str, float]:
    x, y = trained.train.x[:EXAMPLES], trained.train.y[:EXAMPLES]
    strategy.train()
    # Both networks are probed with the same gate noise.
    noise = trained.streams.torch("gates", "probe", device=x.device)
    found = probe(strategy, network, x, y, noise, draws=DRAWS, density=trained.density, progress=progress)
    return {
        "relative_variance": found.relative_variance,
        "relative_bias": found.relative_bias,
        "bias_by_chance": (found.relative_variance / DRAWS) ** 0.5,
        "gradient": float(found.exact.norm()),
    }
