"""A study: a question, the sweep of runs that answers it at each scale, and its figures."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from itertools import product
from typing import Any, Literal, NamedTuple, get_args

import strategies
from core import data, settings
from core.architecture import Architecture
from core.errors import InputError, unknown
from core.space import Choice, Domain, Real, complete
from kernels import Activation
from studies.configuration import Configuration, Stage, content_hash
from studies.figures import STANDARD
from studies.figures.figure import Figure
from studies.proposals import OWN_SETTINGS, Proposal, propose
from studies.protocol import Protocol, Search

Scale = Literal["quick", "default", "paper"]

SCALES: tuple[Scale, ...] = get_args(Scale)

DENSITY = Real(1 / 8, low=1e-3, high=1.0)
ACTIVATION = Choice("relu", get_args(Activation))
MOST_SEEDS = 10_000


@dataclass(frozen=True)
class Sweep:
    """What a study varies at one scale: every combination is run with every seed.

    Attributes:
        seeds: evaluation seeds per combination.
        strategies: their names; empty for every strategy of this package.
        datasets: their names.
        networks: hidden layers as BLOCKSxSIZE, comma separated.
        densities: target shares of open blocks.
        activation: of the hidden layers.
        training: training settings that differ from the defaults.
        strategy_settings: per strategy, settings that differ from its defaults.
        test_split: whether each seed draws its own test examples; a search needs a ``fixed`` one.
        root_seed: from which all other seeds derive.
        search: how every strategy is searched before its winner is run on the evaluation seeds; None runs each at the
            settings above.
        references: strategies that every other one within the density budget is contrasted with; those that do not
            take part are left out.
        alpha: the probability of calling equal strategies different, over all contrasts together.
        delta: the smallest difference of test error that matters, a fraction.
    """

    seeds: int
    strategies: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ("mnist_5k",)
    networks: tuple[str, ...] = ("16x16",)
    densities: tuple[float, ...] = (1 / 8,)
    activation: Activation = "relu"
    training: Mapping[str, Any] = field(default_factory=dict)
    strategy_settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    test_split: data.TestSplit = "resampled"
    root_seed: int = 0
    search: Search | None = None
    references: tuple[str, ...] = ("small_dense",)
    alpha: float = 0.05
    delta: float = 0.005


@dataclass(frozen=True)
class Study:
    """A named study: one file in ``studies/catalogue``, found by its stem.

    Attributes:
        question: what it asks, in one sentence.
        source: the paper's section, or R1..R10 of the retrospective.
        scales: what is run at each scale.
        figures: what is drawn of the results.
    """

    question: str
    source: str
    scales: Mapping[Scale, Sweep]
    figures: tuple[Figure, ...] = STANDARD


class Cell(NamedTuple):
    """Where one strategy is run on all seeds, and searched by itself."""

    dataset: str
    network: str
    target_density: float
    strategy: str


@dataclass(frozen=True)
class Design:
    """A sweep made complete and frozen: all defaults filled in, every name checked.

    Attributes:
        study: the study's name.
        scale: which of its scales.
        sweep: complete; ``strategy_settings`` has an entry for each strategy.
        sources: hashes of the strategies from outside this package.
        contrasts: pairs of a strategy and a reference: one family of tests.
        proposals: of a search, per strategy: what each point of each search changes of ``sweep``'s settings.
    """

    study: str
    scale: str
    sweep: Sweep
    sources: Mapping[str, str]
    contrasts: tuple[tuple[str, str], ...] = ()
    proposals: Mapping[str, tuple[tuple[Proposal, ...], ...]] = field(default_factory=dict)

    @classmethod
    def freeze(cls, study: str, scale: str, sweep: Sweep, plugins: tuple[strategies.Plugin, ...] = ()) -> "Design":
        """Check every name and value of ``sweep``, and fill in the defaults.

        Raises:
            InputError: one is unknown or out of range.
        """
        names = sweep.strategies or tuple(strategies.built_in())
        names = tuple(dict.fromkeys(names))
        found = {name: strategies.find(name, plugins) for name in (*names, *sweep.strategy_settings)}
        for name in sweep.datasets:
            dataset, _ = data.find(name)
            for network in sweep.networks:
                Architecture.parse(network, dataset.features, dataset.classes)
        if not 1 <= sweep.seeds <= MOST_SEEDS:
            raise InputError(f"seeds: {sweep.seeds} is not in 1..{MOST_SEEDS}")
        if not (0 < sweep.alpha < 1 and sweep.delta >= 0):
            raise InputError(f"alpha {sweep.alpha} must be in 0..1, and delta {sweep.delta} at least 0")
        if sweep.search is not None:
            sweep.search.check()
            if sweep.test_split != "fixed":
                raise InputError("test_split: a search needs fixed: it could train on resampled test examples")
        complete_sweep = replace(
            sweep,
            strategies=names,
            datasets=tuple(dict.fromkeys(sweep.datasets)),
            networks=tuple(dict.fromkeys(Architecture.parse(network, 1, 1).network for network in sweep.networks)),
            densities=tuple(dict.fromkeys(_checked("target_density", DENSITY, density) for density in sweep.densities)),
            activation=_checked("activation", ACTIVATION, sweep.activation),
            training=settings.TrainingSettings.of(sweep.training).as_dict(),
            strategy_settings={
                name: complete(found[name].space, sweep.strategy_settings.get(name, {}), name) for name in names
            },
        )
        sources = {name: source for name in names if (source := strategies.source_hash(name, plugins))}
        contrasts = tuple(
            (name, reference)
            for reference in sweep.references
            for name in names
            if reference in names and name != reference and found[name].gated
        )
        proposals = {}
        if sweep.search is not None:
            varied = {name: settings.SPACE[name] for name in sweep.search.training if name not in sweep.training}
            for name in names:
                given = sweep.strategy_settings.get(name, {})
                space = {setting: domain for setting, domain in found[name].space.items() if setting not in given}
                proposals[name] = propose(varied, space, sweep.search, sweep.root_seed)
        return cls(study, scale, complete_sweep, sources, contrasts, proposals)

    @property
    def protocol(self) -> Protocol:
        sweep = self.sweep
        return Protocol(sweep.seeds, sweep.alpha, sweep.delta, sweep.search)

    @property
    def design_hash(self) -> str:
        return content_hash(self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> "Design":
        """Read what :meth:`as_dict` wrote, after a way through JSON."""
        sweep: dict[str, Any] = {
            entry.name: tuple(value) if isinstance(value := content["sweep"][entry.name], list) else value
            for entry in fields(Sweep)
        }
        if sweep["search"] is not None:
            sweep["search"] = Search.from_dict(sweep["search"])
        return cls(
            content["study"],
            content["scale"],
            Sweep(**sweep),
            content["sources"],
            tuple((strategy, reference) for strategy, reference in content["contrasts"]),
            {name: tuple(map(tuple, searches)) for name, searches in content["proposals"].items()},
        )

    def cells(self) -> list[Cell]:
        """Every combination in which a strategy is run, in the order of the sweep."""
        sweep = self.sweep
        return [Cell(*cell) for cell in product(sweep.datasets, sweep.networks, sweep.densities, sweep.strategies)]

    def configuration(self, cell: Cell, stage: Stage, seed: int, proposal: Proposal = OWN_SETTINGS) -> Configuration:
        """Return one run, at the sweep's own settings but for what ``proposal`` changes of them."""
        sweep = self.sweep
        return Configuration(
            stage=stage,
            strategy=cell.strategy,
            strategy_source=self.sources.get(cell.strategy, ""),
            strategy_settings={**sweep.strategy_settings[cell.strategy], **proposal["strategy_settings"]},
            dataset=cell.dataset,
            network=cell.network,
            activation=sweep.activation,
            target_density=cell.target_density,
            training={**sweep.training, **proposal["training"]},
            test_split=sweep.test_split,
            root_seed=sweep.root_seed,
            seed=seed,
        )

    def configurations(self) -> list[Configuration]:
        """The runs on the evaluation seeds at the sweep's own settings: all there are if there is no search.

        Seed by seed, so that an interrupted study has all strategies at few seeds.
        """
        cells = self.cells()
        return [self.configuration(cell, "evaluate", seed) for seed in range(self.sweep.seeds) for cell in cells]


def override(sweep: Sweep, assignments: tuple[str, ...], plugins: tuple[strategies.Plugin, ...] = ()) -> Sweep:
    """Apply ``KEY=VALUE`` assignments of the command line.

    Keys are ``network``, ``target_density``, ``activation``, a training setting, ``STRATEGY.SETTING``, or a setting's
    bare name for every strategy of the sweep that has it.

    Raises:
        InputError: an assignment has no ``=``, its key is unknown, or its value is out of range.
    """
    spaces = {name: strategies.find(name, plugins).space for name in sweep.strategies or tuple(strategies.built_in())}
    for assignment in assignments:
        key, equals, value = (part.strip() for part in assignment.partition("="))
        if not equals:
            raise InputError(f"--set {assignment!r}: expected KEY=VALUE")
        sweep = _assign(sweep, key, value, spaces)
    return sweep


def _assign(sweep: Sweep, key: str, value: str, spaces: Mapping[str, Mapping[str, Domain]]) -> Sweep:
    if key == "network":
        Architecture.parse(value, features=1, classes=1)
        return replace(sweep, networks=(value,))
    if key == "target_density":
        return replace(sweep, densities=(_checked(f"--set {key}", DENSITY, value),))
    if key == "activation":
        return replace(sweep, activation=_checked(f"--set {key}", ACTIVATION, value))
    if key in settings.SPACE:
        return replace(sweep, training={**sweep.training, key: _checked(f"--set {key}", settings.SPACE[key], value)})
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
            setting: _checked(f"--set {key}", spaces[owner][setting], value),
        }
        for owner in owners
    }
    return replace(sweep, strategy_settings={**sweep.strategy_settings, **changed})


def _checked(what: str, domain: Domain, value: Any) -> Any:
    try:
        return domain.check(value)
    except InputError as error:
        raise InputError(f"{what}: {error}") from None
