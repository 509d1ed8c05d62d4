"""Whether the settings of a strategy are what they say."""

from collections.abc import Iterator, Mapping
from typing import Any

from core.architecture import Architecture
from core.conformance.subject import STREAMS, briefly_trained, measured
from core.errors import InputError
from core.space import Domain, matters
from core.strategy import Strategy

_QUANTILES = (0.0, 0.5, 1 - 1e-9)


def space_defaults(strategy_type: type[Strategy], _: Architecture) -> Iterator[str]:
    """Defaults and the ends of every domain are valid settings."""
    for name, domain in strategy_type.space.items():
        for quantile in _QUANTILES:
            domain.check(domain.at(quantile))
        checked = domain.check(domain.default)
        if checked != domain.default or type(checked) is not type(domain.default):
            yield f"{name}: the default {domain.default!r} is not of its domain's type"


def idle_settings(strategy_type: type[Strategy], architecture: Architecture) -> Iterator[str]:
    """A setting does nothing where its ``when`` says so: trainings at two of its values are the same to the last bit.

    Values that the strategy refuses on this network are left out.
    """
    space = strategy_type.space
    usual: dict[tuple[str, Any], object] = {}
    for name, domain in space.items():
        value = _another(domain)
        for other in domain.when if value is not None else ():
            off = _off(space, name, other)
            if off is None:
                continue
            if (other, off) not in usual:
                usual[other, off] = _seen(strategy_type, architecture, {other: off})
            found = _seen(strategy_type, architecture, {other: off, name: value})
            if None not in (found, usual[other, off]) and found != usual[other, off]:
                yield f"{name} is said to do nothing where {other} is {off}, but {value} trains another network"


def _another(domain: Domain) -> Any:
    """Return a value other than the default, or None if there is no other."""
    return next((value for value in map(domain.at, _QUANTILES) if value != domain.default), None)


def _off(space: Mapping[str, Domain], name: str, other: str) -> Any:
    """Return a value of another setting at which a setting does nothing, or None if none is at hand."""
    defaults = {each: domain.default for each, domain in space.items()}
    values = [space[other].default, *map(space[other].at, _QUANTILES)]
    return next((value for value in values if not matters(name, space, {**defaults, other: value})), None)


def _seen(strategy_type: type[Strategy], architecture: Architecture, settings: Mapping[str, Any]) -> object:
    """What a training comes to: losses and costs, all parameters, and an evaluation; None if settings are refused."""
    try:
        strategy_type(architecture, settings, STREAMS.torch("initialisation", "strategy"))
    except InputError:
        return None
    trained = briefly_trained(strategy_type, architecture, settings=settings)
    history = [(epoch.train_loss, epoch.validation_loss, epoch.train_macs) for epoch in trained.history]
    parameters = (*trained.network.parameters(), *trained.strategy.parameters())
    values = [parameter.detach().numpy().tobytes() for parameter in parameters]
    return history, values, measured(trained.network, trained.strategy)
