"""All checks on all networks."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from core.architecture import Architecture
from core.conformance.cost import cost_counted, nothing_free
from core.conformance.inference import (
    comparable_draws,
    gates_in_range,
    label_free_inference,
    own_gates,
    rule_followed,
)
from core.conformance.learning import exact_gates, gradients, registered
from core.conformance.problem import Problem
from core.conformance.running import finite, seeded, state_restored
from core.conformance.settings import idle_settings, space_defaults
from core.conformance.subject import CLASSES, FEATURES, NETWORKS, STREAMS, WHOLE_DENSITY, examples_of, untrained
from core.plugins.places import place_of
from core.strategy import Strategy
from core.training.probe import probe

Check = Callable[[type[Strategy], Architecture], Iterator[str]]

# What a strategy must do.
CHECKS: Final[Sequence[Check]] = (
    space_defaults,
    finite,
    seeded,
    label_free_inference,
    gates_in_range,
    own_gates,
    cost_counted,
    nothing_free,
    state_restored,
    rule_followed,
    idle_settings,
)
# What its author may not have meant.
WARNINGS: Final[Sequence[Check]] = (gradients, registered, exact_gates, comparable_draws)
# On which all draws can be enumerated.
_PROBED: Final = "4x3"
_DRAWS, _EXAMPLES = 400, 8


def problems(strategy_type: type[Strategy]) -> list[Problem]:
    """Run every check on small networks of each kind that has what the strategy needs.

    An empty list means that the strategy conforms.
    """
    return _found(CHECKS, strategy_type, say_errors=True)


def warnings(strategy_type: type[Strategy]) -> list[Problem]:
    """Say what may be a slip in a strategy that keeps the protocol: what does not learn, or not as it was meant to.

    Errors are left to :func:`problems`.
    """
    return _found(WARNINGS, strategy_type, say_errors=False)


def estimate(strategy_type: type[Strategy]) -> str | None:
    """Say how good the strategy's gradient estimate is in one small layer; None if it has none that can be measured.

    Relative to the exact gradient: the distance of the mean of 400 draws, beside what chance explains of it, and the
    variance of one.
    """
    architecture = Architecture.parse(_PROBED, FEATURES, CLASSES)
    network, strategy = untrained(strategy_type, architecture)
    settings = strategy.estimator_settings()
    if settings is None:
        return None
    strategy = strategy_type(architecture, settings, STREAMS.torch("initialisation", "strategy"))
    data = examples_of(architecture).train
    found = probe(
        strategy,
        network,
        data.x[:_EXAMPLES],
        data.y[:_EXAMPLES],
        STREAMS.torch("gates", "probe"),
        draws=_DRAWS,
        density=WHOLE_DENSITY,
    )
    chance = (found.relative_variance / _DRAWS) ** 0.5
    return (
        f"its gradient estimate has relative variance {found.relative_variance:.2g} and relative bias "
        f"{found.relative_bias:.2g}, of which chance explains {chance:.2g}"
    )


def _found(checks: Sequence[Check], strategy_type: type[Strategy], *, say_errors: bool) -> list[Problem]:
    found = []
    for network in NETWORKS:
        architecture = Architecture.parse(network, FEATURES, CLASSES)
        if architecture.lacks(strategy_type.needs) is not None:
            continue
        for check in checks:
            try:
                messages = list(check(strategy_type, architecture))
            except Exception as error:
                place = place_of(error)
                said = f"raises {type(error).__name__}: {error}{f' ({place})' if place else ''}"
                messages = [said] if say_errors else []
            found += [Problem(check.__name__, network, message) for message in messages]
    return found
