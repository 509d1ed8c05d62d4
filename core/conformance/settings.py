"""Whether the settings of a strategy are what they say."""

from collections.abc import Iterator

from core.architecture import Architecture
from core.strategy import Strategy


def space_defaults(strategy_type: type[Strategy], _: Architecture) -> Iterator[str]:
    """Defaults and the ends of every domain are valid settings."""
    for name, domain in strategy_type.space.items():
        for quantile in (0.0, 0.5, 1 - 1e-9):
            domain.check(domain.at(quantile))
        checked = domain.check(domain.default)
        if checked != domain.default or type(checked) is not type(domain.default):
            yield f"{name}: the default {domain.default!r} is not of its domain's type"
