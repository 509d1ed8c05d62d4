"""Search spaces as plain data: what may be varied, between which bounds, and the default."""

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from graphlib import CycleError, TopologicalSorter
from types import MappingProxyType
from typing import Any

from core.errors import InputError, unknown

# A number for all gated layers, or one for each, from input to output.
Layerwise = float | Sequence[float]

When = Mapping[str, tuple[Any, ...]]


class Domain(ABC):
    """The values one hyperparameter may take; a search leaves it alone unless it is ``searched``.

    Attributes:
        default: its value unless another is given.
        searched: whether a search varies it.
        when: values of other settings of the space at which it matters, all of them; elsewhere it does nothing, and a
            search leaves it at its default. Empty if it always matters.
    """

    default: Any
    searched: bool
    when: When = MappingProxyType({})

    @abstractmethod
    def check(self, value: Any) -> Any:
        """Return ``value`` in its proper type.

        Raises:
            InputError: it is not in the domain.
        """

    @abstractmethod
    def at(self, quantile: float) -> Any:
        """Return the value at ``quantile`` in [0, 1) of what a search covers, for points of a quasi-random sequence."""

    @abstractmethod
    def __str__(self) -> str: ...


@dataclass(frozen=True)
class Real(Domain):
    """A real interval, bounds included.

    ``log`` spreads quantiles evenly in the logarithm. ``or_zero`` also takes exactly 0, which switches something off; a
    search does not propose it. ``search`` is the part of the interval that a search covers, if not all of it.

    >>> round(Real(0.1, low=0.01, high=1.0, log=True).at(0.5), 6)
    0.1
    >>> Real(0.1, low=0.0, high=1.0, search=(0.0, 0.2)).at(0.5)
    0.1
    """

    default: float
    low: float
    high: float
    log: bool = False
    or_zero: bool = False
    search: tuple[float, float] | None = None
    searched: bool = True
    when: When = field(default_factory=dict, hash=False)

    def check(self, value: Any) -> float:
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not (self.low <= number <= self.high or (self.or_zero and number == 0)):
            raise InputError(f"{value} is not a number in {self}")
        return number

    def at(self, quantile: float) -> float:
        low, high = self.search or (self.low, self.high)
        if self.log:
            value: float = low * (high / low) ** quantile
            # A power can miss a bound by rounding.
            return min(max(value, low), high)
        return low + quantile * (high - low)

    def __str__(self) -> str:
        return f"{self.low:g}..{self.high:g}" + (" or 0" if self.or_zero else "")


@dataclass(frozen=True)
class PerLayer(Real):
    """A number for all gated layers, or a list of one for each; text has colons between them.

    A list of one is that number: for all layers. A search proposes a number for all.

    >>> domain = PerLayer(1.0, low=0.0, high=100.0)
    >>> domain.check(20), domain.check("40:20"), domain.check((40, 20))
    (20.0, [40.0, 20.0], [40.0, 20.0])
    """

    def check(self, value: Any) -> Any:
        parts = value.split(":") if isinstance(value, str) else value
        if not isinstance(parts, list | tuple) or not parts:
            return super().check(value)
        # Lists, as JSON has them: what was frozen and what is read again are equal, and hash equally.
        numbers = [super(PerLayer, self).check(part) for part in parts]
        return numbers[0] if len(numbers) == 1 else numbers


@dataclass(frozen=True)
class Integer(Domain):
    """A range of integers, bounds included; ``search`` is the part of it that a search covers, if not all.

    >>> Integer(2, low=1, high=4).at(0.99)
    4
    >>> Integer(2, low=1, high=4, search=(2, 3)).at(0.99)
    3
    """

    default: int
    low: int
    high: int
    search: tuple[int, int] | None = None
    searched: bool = True
    when: When = field(default_factory=dict, hash=False)

    def check(self, value: Any) -> int:
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not (self.low <= number <= self.high and number == int(number)):
            raise InputError(f"{value} is not an integer in {self}")
        return int(number)

    def at(self, quantile: float) -> int:
        low, high = self.search or (self.low, self.high)
        return min(low + int(quantile * (high - low + 1)), high)

    def __str__(self) -> str:
        return f"{self.low}..{self.high}"


@dataclass(frozen=True)
class Choice(Domain):
    """One of a few named options.

    >>> Choice("none", ("none", "batch")).at(0.5)
    'batch'
    """

    default: str
    options: tuple[str, ...]
    searched: bool = True
    when: When = field(default_factory=dict, hash=False)

    def check(self, value: Any) -> str:
        if value not in self.options:
            raise InputError(f"{value} is not one of {self}")
        return str(value)

    def at(self, quantile: float) -> str:
        return self.options[min(int(quantile * len(self.options)), len(self.options) - 1)]

    def __str__(self) -> str:
        return ", ".join(self.options)


def complete(space: Mapping[str, Domain], values: Mapping[str, Any], owner: str) -> dict[str, Any]:
    """Return ``values`` checked against ``space``, with defaults for whatever is not given.

    Raises:
        InputError: a name is not in the space, or a value not in its domain.

    >>> complete({"rate": Real(0.1, low=0.0, high=1.0)}, {}, "reinforce")
    {'rate': 0.1}
    """
    for name in values:
        if name not in space:
            raise unknown(f"setting of {owner}", name, sorted(space))
    settings = {}
    for name, domain in space.items():
        try:
            settings[name] = domain.check(values.get(name, domain.default))
        except InputError as error:
            raise InputError(f"{owner}.{name}: {error}") from None
    return settings


def only_where(domains: Mapping[str, Domain], when: When) -> dict[str, Domain]:
    """Return the domains, which matter only where these other settings have these values too.

    >>> only_where({"rate": Real(0.1, low=0.0, high=1.0)}, {"mode": ("soft",)})["rate"].when
    {'mode': ('soft',)}
    """
    return {
        name: replace(domain, when={**domain.when, **when})  # type: ignore[type-var]
        for name, domain in domains.items()
    }


def matters(name: str, space: Mapping[str, Domain], settings: Mapping[str, Any], varied: Collection[str] = ()) -> bool:
    """Return whether a setting does anything at the values of the others.

    It does where every setting that it depends on has one of the values named, and itself matters.

    Args:
        name: of the setting.
        space: all settings.
        settings: their values.
        varied: settings that may have any value, so that the answer is whether it *can* matter.

    >>> rate = Real(0.1, low=0.0, high=1.0, when={"mode": ("soft",)})
    >>> space = {"mode": Choice("hard", ("hard", "soft")), "rate": rate}
    >>> matters("rate", space, {"mode": "soft"}), matters("rate", space, {"mode": "hard"})
    (True, False)
    >>> matters("rate", space, {"mode": "hard"}, varied={"mode"})
    True
    """
    return all(
        (other in varied or settings[other] in values) and matters(other, space, settings, varied)
        for other, values in space[name].when.items()
    )


def check_conditions(space: Mapping[str, Domain]) -> None:
    """Check what settings say of when they matter.

    Raises:
        InputError: they depend on a setting that is not in the space, on values that it cannot have, on none, or on
            one another in a circle.
    """
    for name, domain in space.items():
        for other, values in domain.when.items():
            if other not in space:
                raise unknown(f"setting on which {name} depends", other, sorted(space))
            if not isinstance(values, tuple) or not values:
                raise InputError(f"{name} depends on {other} being {values!r}, expected a tuple of its values")
            for value in values:
                try:
                    space[other].check(value)
                except InputError as error:
                    raise InputError(f"{name} depends on {other}: {error}") from None
    try:
        TopologicalSorter({name: domain.when for name, domain in space.items()}).prepare()
    except CycleError as error:
        raise InputError(f"settings depend on one another in a circle: {', '.join(error.args[1])}") from None


def at_layer(value: Layerwise, number: int) -> float:
    """Return what holds in gated layer ``number``, which goes round the layers again in each further pass.

    >>> at_layer(20.0, 1), at_layer([40.0, 20.0], 1), at_layer([40.0, 20.0], 2)
    (20.0, 20.0, 40.0)
    """
    return value[number % len(value)] if isinstance(value, Sequence) else value


def check_layers(space: Mapping[str, Domain], settings: Mapping[str, Any], layers: int, owner: str) -> None:
    """Check that what is given per layer is given for each of ``layers`` gated layers.

    Raises:
        InputError: it is given for another number of layers.
    """
    for name, domain in space.items():
        value = settings[name]
        if isinstance(domain, PerLayer) and isinstance(value, Sequence) and len(value) != layers:
            given = ":".join(f"{each:g}" for each in value)
            raise InputError(f"{owner}.{name}: {given} has {len(value)} values, the network {layers} gated layers")
