"""What the command line changes of a sweep."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import strategies
from core.architecture import Architecture
from core.errors import InputError, unknown
from core.space import Domain
from core.training import settings
from studies.design.freezing import ACTIVATION, DENSITY, checked
from studies.design.sweep import Sweep


def chosen_names(text: str, sweep: Sweep) -> list[str]:
    """Return the names in a comma separated text; an arm's name may itself contain commas."""
    arms = {arm.name for arm in sweep.arms}
    parts = [part.strip() for part in text.split(",")]
    names = []
    while parts:
        longest = next((many for many in range(len(parts), 1, -1) if ", ".join(parts[:many]) in arms), 1)
        names.append(", ".join(parts[:longest]))
        parts = parts[longest:]
    return names


def keep_arms(sweep: Sweep, names: Sequence[str]) -> Sweep:
    """Keep the arms that have one of these names, or run a strategy of that name; other names are plain strategies."""
    arms = tuple(arm for arm in sweep.arms if arm.name in names or arm.strategy in names)
    covered = {name for arm in arms for name in (arm.name, arm.strategy)}
    plain = tuple(name for name in dict.fromkeys(names) if name in sweep.strategies or name not in covered)
    return replace(sweep, strategies=plain, arms=arms)


def override(sweep: Sweep, assignments: tuple[str, ...], plugins: tuple[strategies.Plugin, ...] = ()) -> Sweep:
    """Apply ``KEY=VALUE`` assignments of the command line.

    Keys are ``network``, ``target_density``, which may be a fraction such as ``1/8``, ``activation``, a training
    setting, ``STRATEGY.SETTING``, or a setting's bare name for every strategy of the sweep that has it.

    Raises:
        InputError: an assignment has no ``=``, its key is unknown or is what the study varies, or its value is out of
            range.
    """
    plain = sweep.strategies or (() if sweep.arms else tuple(strategies.built_in()))
    names = dict.fromkeys((*plain, *(arm.strategy for arm in sweep.arms)))
    spaces = {name: strategies.find(name, plugins).space for name in names}
    for assignment in assignments:
        key, equals, value = (part.strip() for part in assignment.partition("="))
        if not equals:
            raise InputError(f"--set {assignment!r}: expected KEY=VALUE")
        _check_free(sweep, key)
        sweep = _assign(sweep, key, value, spaces)
    return sweep


def _check_free(sweep: Sweep, key: str) -> None:
    strategy, dot, setting = key.rpartition(".")
    takers = [arm.name for arm in sweep.arms if arm.sets(setting) and (not dot or arm.strategy == strategy)]
    if takers:
        raise InputError(
            f"--set {key}: the study itself sets it in {', '.join(takers)}; --strategies chooses among them"
        )
    datasets = [name for name, training in sweep.dataset_training.items() if key in training]
    if datasets:
        raise InputError(f"--set {key}: the study itself sets it on {', '.join(datasets)}; --dataset chooses another")
    if sweep.grid and key in ("network", "target_density"):
        raise InputError(f"--set {key}: the study itself pairs networks with densities")


def _assign(sweep: Sweep, key: str, value: str, spaces: Mapping[str, Mapping[str, Domain]]) -> Sweep:
    if key == "network":
        Architecture.parse(value, features=1, classes=1)
        return replace(sweep, networks=(value,))
    if key == "target_density":
        return replace(sweep, densities=(checked(f"--set {key}", DENSITY, _divided(value)),))
    if key == "activation":
        return replace(sweep, activation=checked(f"--set {key}", ACTIVATION, value))
    if key in settings.SPACE:
        return replace(sweep, training={**sweep.training, key: checked(f"--set {key}", settings.SPACE[key], value)})
    strategy, dot, setting = key.rpartition(".")
    owners = [strategy] if dot else [name for name, space in spaces.items() if key in space]
    if not owners or any(setting not in spaces.get(owner, {}) for owner in owners):
        dotted = [f"{name}.{known}" for name, space in spaces.items() for known in space]
        bare = sorted({known for space in spaces.values() for known in space})
        raise unknown(
            "key of --set",
            key,
            [*(dotted if dot else ()), "network", "target_density", "activation", *settings.SPACE, *bare],
        )
    changed = {
        owner: {
            **sweep.strategy_settings.get(owner, {}),
            setting: checked(f"--set {key}", spaces[owner][setting], value),
        }
        for owner in owners
    }
    return replace(sweep, strategy_settings={**sweep.strategy_settings, **changed})


def _divided(value: str) -> float | str:
    """Return the number that a text such as ``1/8`` is, and any other text as it is, for what is said of it."""
    try:
        return float(Fraction(value)) if "/" in value else value
    except (ValueError, ZeroDivisionError, OverflowError):
        return value
