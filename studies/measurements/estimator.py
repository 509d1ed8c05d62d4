"""Bias and variance of the strategy's own gradient estimator, before and after training (retrospective, R8)."""

from collections.abc import Mapping
from typing import Any

from core.bernoulli import BernoulliStrategy
from core.network import GatedNetwork
from core.probe import probe
from core.strategy import Strategy
from studies.measurements.subject import Subject

DRAWS = 200
EXAMPLES = 50
# All combinations of their gates are enumerated.
MOST_BLOCKS = 10
# What an objective has besides its estimator.
OFF: Mapping[str, float] = {"lambda_s": 0.0, "lambda_v": 0.0, "entropy": 0.0}


def measure(subject: Subject) -> dict[str, Any]:
    """Compare draws of the estimator with the exact gradient of the gate logits, on the first training examples.

    Penalties and entropy are switched off. See :class:`core.probe.Probe` for what is compared.

    Returns:
        ``initial``, of the network as training began with it, and ``trained``: each ``relative_variance``,
        ``relative_bias``, ``bias_by_chance``, which is what an unbiased estimator of this variance would show, and
        ``gradient``, the length of the exact one. Empty for a strategy without Bernoulli gates, and where there is more
        than one gated layer or more than ``MOST_BLOCKS`` blocks.
    """
    network, strategy = subject.trained.network, subject.trained.strategy
    layers = network.architecture.layers
    if not isinstance(strategy, BernoulliStrategy) or len(layers) > 1 or layers[0].blocks > MOST_BLOCKS:
        return {}
    fresh = GatedNetwork(network.architecture)
    fresh.reset(lambda part: subject.streams.torch("initialisation", part), subject.density)
    fresh.to(subject.train.x.device)
    first, last = _quiet(strategy, subject), _quiet(strategy, subject)
    last.load_state_dict(strategy.state_dict())
    return {
        "initial": _probed(first, fresh, subject, progress=0.0),
        "trained": _probed(last, network, subject, progress=1.0),
    }


def _quiet(strategy: Strategy, subject: Subject) -> Strategy:
    """Return a new strategy of that kind with the same settings but for penalties and entropy."""
    settings = {**strategy.settings, **{name: value for name, value in OFF.items() if name in strategy.space}}
    initial = subject.streams.torch("initialisation", "strategy")
    return type(strategy)(strategy.architecture, settings, initial).to(subject.train.x.device)


def _probed(strategy: Strategy, network: GatedNetwork, subject: Subject, *, progress: float) -> dict[str, float]:
    x, y = subject.train.x[:EXAMPLES], subject.train.y[:EXAMPLES]
    strategy.train()
    # Both networks are probed with the same gate noise.
    noise = subject.streams.torch("gates", "probe", device=x.device)
    found = probe(strategy, network, x, y, noise, draws=DRAWS, density=subject.density, progress=progress)
    return {
        "relative_variance": found.relative_variance,
        "relative_bias": found.relative_bias,
        "bias_by_chance": (found.relative_variance / DRAWS) ** 0.5,
        "gradient": float(found.exact.norm()),
    }
