"""A sweep made complete: every default filled in, every name checked, nothing left to decide."""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from itertools import pairwise, product
from typing import Any, Self, get_args

import strategies
from core import data
from core.architecture import Architecture
from core.errors import InputError
from core.space import Choice, Domain, Real, complete
from core.strategy import Strategy
from core.training import settings
from kernels import Activation
from studies.design import measurements
from studies.design.arm import Arm, check_names
from studies.design.configuration import Configuration, Stage, content_hash
from studies.design.dense_front import DENSE_FRONT, front_arms
from studies.design.plain import structured
from studies.design.primary import Primary, family_size
from studies.design.proposals import OWN_SETTINGS, Proposal, SearchSpace, propose
from studies.design.protocol import MOST_SEEDS, Protocol, Search, unit_name
from studies.design.setting import Setting
from studies.design.sweep import Sweep

DENSITY = Real(1 / 8, low=1e-3, high=1.0)
ACTIVATION = Choice("relu", get_args(Activation))
# Without which no results can be read.
_NEEDED = ("epochs", "batch_size", "density_tolerance")


@dataclass(frozen=True)
class FrozenStudy:
    """A sweep made complete and frozen: all defaults filled in, every name checked.

    Attributes:
        study: the study's name.
        scale: which of its scales.
        sweep: complete; ``strategy_settings`` has an entry for each strategy, and arms have all their settings.
        sources: hashes of the strategies from outside this package.
        contrasts: pairs of an arm and a reference: one family of tests.
        proposals: of a search, per arm: what each point of each search changes of its settings.
        front: the dense networks of the dense front, if a contrast has it for a reference.
    """

    study: str
    scale: str
    sweep: Sweep
    sources: Mapping[str, str]
    contrasts: tuple[tuple[str, str], ...] = ()
    proposals: Mapping[str, tuple[tuple[Proposal, ...], ...]] = field(default_factory=dict)
    front: tuple[Arm, ...] = ()

    @classmethod
    def freeze(cls, study: str, scale: str, sweep: Sweep, plugins: tuple[strategies.Plugin, ...] = ()) -> Self:
        """Check every name and value of ``sweep``, and fill in the defaults.

        Raises:
            InputError: one is unknown or out of range.
        """
        names = sweep.strategies or (() if sweep.arms else tuple(strategies.built_in()))
        names = tuple(dict.fromkeys(names))
        arms = (*map(Arm.plain, names), *sweep.arms)
        _check_arms(arms)
        contrasts = tuple(dict.fromkeys(_contrasts(sweep, arms, plugins)))
        beside_front = {arm for arm, reference in contrasts if reference == DENSE_FRONT}
        used = tuple(dict.fromkeys((*(arm.strategy for arm in arms), *(("dense",) if beside_front else ()))))
        found = {name: strategies.find(name, plugins) for name in (*used, *sweep.strategy_settings)}
        _check_numbers(sweep)
        for name in sweep.measurements:
            measurements.check(name)
        sweep = replace(
            sweep, datasets=tuple(map(data.canonical, sweep.datasets)), dataset_training=_by_dataset(sweep, arms)
        )
        complete_arms = tuple(_complete(arm, sweep, found[arm.strategy]) for arm in sweep.arms)
        _check_datasets(complete_arms, sweep.datasets)
        own_settings = {name: complete(found[name].space, sweep.strategy_settings.get(name, {}), name) for name in used}
        complete_sweep = replace(
            sweep,
            strategies=names,
            arms=complete_arms,
            datasets=tuple(dict.fromkeys(sweep.datasets)),
            networks=tuple(dict.fromkeys(map(_network, sweep.networks))),
            densities=tuple(dict.fromkeys(map(_density, sweep.densities))),
            grid=tuple(dict.fromkeys((_network(network), _density(density)) for network, density in sweep.grid)),
            activation=checked("activation", ACTIVATION, sweep.activation),
            training=settings.TrainingSettings.of(sweep.training).as_dict(),
            strategy_settings=own_settings,
            # One seed or search shows no variance.
            looks=tuple(sweep.looks) or ((sweep.units,) if sweep.units > 1 else ()),
            primary=tuple(map(_primary, sweep.primary)),
            # As JSON gives them back.
            alpha=float(sweep.alpha),
            delta=float(sweep.delta),
        )
        sources = {name: source for name in used if (source := strategies.source_hash(name, plugins))}
        frozen = cls(study, scale, complete_sweep, sources, contrasts)
        if beside_front:
            cells = dict.fromkeys(setting for setting, arm in frozen.combinations() if arm in beside_front)
            # A search varies what arms leave open, so these join them before they are made complete.
            front = front_arms(cells)
            arms = (*arms, *front)
            frozen = replace(frozen, front=tuple(_complete(arm, sweep, found["dense"]) for arm in front))
        if sweep.search is not None:
            proposals = {arm.name: _proposals(arm, sweep, sweep.search, found[arm.strategy]) for arm in arms}
            frozen = replace(frozen, proposals=proposals)
        _refuse_impossible(frozen, found)
        return frozen

    @property
    def arms(self) -> tuple[Arm, ...]:
        """All arms: plain strategies first, and last those of the dense front."""
        return (*map(Arm.plain, self.sweep.strategies), *self.sweep.arms, *self.front)

    @property
    def protocol(self) -> Protocol:
        sweep = self.sweep
        grid = [Setting(dataset, *cell) for dataset, cell in product(sweep.datasets, self._grid)]
        contrasts = family_size(sweep.primary, self.combinations(), grid)
        development = sweep.test_split == "development"
        return Protocol(sweep.seeds, sweep.alpha, sweep.delta, sweep.search, sweep.looks, contrasts, development)

    @property
    def epochs(self) -> dict[str, int]:
        """How many epochs there are on each dataset, but for arms that set their own."""
        sweep = self.sweep
        by_dataset = {name: {**sweep.training, **sweep.dataset_training.get(name, {})} for name in sweep.datasets}
        return {name: int(training["epochs"]) for name, training in by_dataset.items()}

    # Every record holds it.
    @cached_property
    def design_hash(self) -> str:
        return content_hash(self.as_dict())

    def as_dict(self) -> dict[str, Any]:
        content = asdict(self)
        # Most studies have none, and then the hash of a design is what it was before there could be any.
        if not self.sweep.dataset_training:
            del content["sweep"]["dataset_training"]
        for arm in (*content["sweep"]["arms"], *content["front"]):
            if arm["dataset"] is None:
                del arm["dataset"]
        return content

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Self:
        """Read what :meth:`as_dict` wrote, after a way through JSON.

        Raises:
            ValueError: an entry is missing, of another type or out of range, or does not fit another one.
        """
        read: Self = structured(cls, content)
        _check_frozen(read)
        return read

    def combinations(self) -> list[tuple[Setting, str]]:
        """Every setting with every arm that is run there, in the order of the sweep.

        An arm with a dataset, network or density of its own is run with that only, once.
        """
        sweep = self.sweep
        combinations = (
            (
                Setting(
                    dataset,
                    network if arm.network is None else arm.network,
                    density if arm.density is None else arm.density,
                ),
                arm.name,
            )
            for dataset, (network, density), arm in product(sweep.datasets, self._grid, self.arms)
            if arm.dataset in (None, dataset)
        )
        return list(dict.fromkeys(combinations))

    @property
    def _grid(self) -> tuple[tuple[str, float], ...]:
        return self.sweep.grid or tuple(product(self.sweep.networks, self.sweep.densities))

    def configuration(
        self, setting: Setting, name: str, stage: Stage, seed: int, proposal: Proposal = OWN_SETTINGS
    ) -> Configuration:
        """Return one run of the arm ``name``, at its own settings but for what ``proposal`` changes of them."""
        sweep, arm = self.sweep, self.arm(name)
        return Configuration(
            stage=stage,
            strategy=arm.strategy,
            strategy_source=self.sources.get(arm.strategy, ""),
            strategy_settings={
                **sweep.strategy_settings[arm.strategy],
                **arm.strategy_settings,
                **proposal["strategy_settings"],
            },
            dataset=setting.dataset,
            network=setting.network,
            activation=sweep.activation,
            target_density=setting.target_density,
            training={
                **sweep.training,
                **arm.training,
                **sweep.dataset_training.get(setting.dataset, {}),
                **proposal["training"],
            },
            test_split=sweep.test_split,
            root_seed=sweep.root_seed,
            seed=seed,
            varied=arm.varied,
            measurements=sweep.measurements if stage == "evaluate" and not arm.front_of else (),
        )

    def arm(self, name: str) -> Arm:
        """Return the arm of that name."""
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> Mapping[str, Arm]:
        return {arm.name: arm for arm in self.arms}


def _refuse_impossible(frozen: FrozenStudy, found: Mapping[str, type[Strategy]]) -> None:
    """Refuse a setting in which a strategy cannot be trained, or cannot keep the budget however it is.

    Raises:
        InputError: there is one.
    """
    for setting, name in frozen.combinations():
        run = frozen.configuration(setting, name, "evaluate", 0)
        source, _ = data.find(setting.dataset)
        architecture = Architecture.parse(run.network, source.features, source.classes, run.activation)
        strategy = found[run.strategy]
        if (lacking := architecture.lacks(strategy.needs)) is not None:
            raise InputError(f"{name} needs {lacking}, which network {run.network} does not have")
        data.check_positions(setting.dataset, architecture.positions)
        if run.measurements and architecture.positions > 1:
            measured = " and ".join(run.measurements)
            raise InputError(f"network {run.network}: {measured} is measured of fully connected networks alone")
        reason = strategy.impossible(
            architecture, run.strategy_settings, run.target_density, run.training["density_tolerance"]
        )
        if reason is not None:
            raise InputError(f"{name} cannot keep the budget on network {run.network}: {reason}")


def _check_arms(arms: tuple[Arm, ...]) -> None:
    check_names(arms)
    if any(arm.name == DENSE_FRONT for arm in arms):
        raise InputError(f"an arm is named {DENSE_FRONT!r}, which is the reference of contrasts at equal compute")


def _check_datasets(arms: tuple[Arm, ...], datasets: tuple[str, ...]) -> None:
    for arm in arms:
        if arm.dataset is not None:
            _check_takes_part(f"{arm.name}: dataset", arm.dataset, datasets)


def _check_takes_part(what: str, dataset: str, datasets: tuple[str, ...]) -> None:
    if dataset not in datasets:
        raise InputError(f"{what} {dataset!r} is none of the study's datasets: {', '.join(datasets)}")


def _check_numbers(sweep: Sweep) -> None:
    if not 1 <= sweep.seeds <= MOST_SEEDS:
        raise InputError(f"seeds: {sweep.seeds} is not in 1..{MOST_SEEDS}")
    if not (0 < sweep.alpha < 1 and sweep.delta >= 0):
        raise InputError(f"alpha {sweep.alpha} must be in 0..1, and delta {sweep.delta} at least 0")
    if any(units < 2 for units in sweep.looks) or any(late <= early for early, late in pairwise(sweep.looks)):
        looks, units = ", ".join(map(str, sweep.looks)), unit_name(sweep.search)
        raise InputError(f"looks: {looks} are not increasing numbers of at least 2 {units}")
    if sweep.search is not None:
        sweep.search.check()
        if sweep.test_split == "resampled":
            raise InputError("test_split: a search needs fixed: it could train on resampled test examples")


def _check_frozen(frozen: FrozenStudy) -> None:
    """Check what was read from a file, as far as reading results depends on it; strategies need not be there any more.

    Raises:
        InputError: an entry is out of range, or does not fit another one.
    """
    sweep, arms = frozen.sweep, frozen.arms
    _check_arms(arms)
    _check_numbers(sweep)
    for dataset in sweep.datasets:
        data.check_name(dataset)
    _check_datasets(arms, sweep.datasets)
    for network, density in (*product(sweep.networks, sweep.densities), *sweep.grid, *_own(arms)):
        _network(network)
        _density(density)
    for name in sweep.dataset_training:
        data.check_name(name)
    for training in (
        sweep.training,
        *sweep.dataset_training.values(),
        *(arm.training for arm in (*sweep.arms, *frozen.front)),
    ):
        complete(settings.SPACE, training, "training")
    if missing := [name for name in _NEEDED if name not in sweep.training]:
        raise InputError(f"sweep.training lacks {', '.join(missing)}")
    names = {arm.name for arm in arms}
    if not frozen.combinations():
        raise InputError("it has no runs")
    if unset := sorted({arm.strategy for arm in arms} - set(sweep.strategy_settings)):
        raise InputError(f"sweep.strategy_settings lacks {', '.join(unset)}")
    references = names | ({DENSE_FRONT} if frozen.front else set())
    if strange := [pair for pair in frozen.contrasts if pair[0] not in names or pair[1] not in references]:
        raise InputError(f"contrasts: {' and '.join(strange[0])} are not both arms")
    if sweep.search is not None:
        _check_proposals(frozen.proposals, names, sweep.search)


def _own(arms: Iterable[Arm]) -> Iterator[tuple[str, float]]:
    """Networks and densities that arms have of their own, each with a harmless other."""
    for arm in arms:
        yield "1x1" if arm.network is None else arm.network, 1.0 if arm.density is None else arm.density


def _check_proposals(
    proposals: Mapping[str, tuple[tuple[Proposal, ...], ...]], names: Set[str], search: Search
) -> None:
    if {*proposals} != names:
        raise InputError("proposals are not of the arms")
    for name, searches in proposals.items():
        if [len(points) for points in searches] != [search.points] * search.searches:
            raise InputError(f"proposals.{name}: not {search.searches} times {search.points} points")
        if any({*point} != {*OWN_SETTINGS} for points in searches for point in points):
            raise InputError(f"proposals.{name}: a point is not of {' and '.join(OWN_SETTINGS)}")


def _network(network: str) -> str:
    return Architecture.parse(network, 1, 1).network


def _primary(entry: Primary) -> Primary:
    """Return the contrast with its network and density as settings have them."""
    network = None if entry.network is None else _network(entry.network)
    return replace(entry, network=network, density=None if entry.density is None else _density(entry.density))


def _density(density: float) -> float:
    value: float = checked("target_density", DENSITY, density)
    return value


def _complete(arm: Arm, sweep: Sweep, strategy: type[Strategy]) -> Arm:
    """Return the arm with all its settings, checked."""
    own = {**sweep.strategy_settings.get(arm.strategy, {}), **arm.strategy_settings}
    return replace(
        arm,
        training=settings.TrainingSettings.of({**sweep.training, **arm.training}).as_dict(),
        dataset=None if arm.dataset is None else data.canonical(arm.dataset),
        search={name: (float(low), float(high)) for name, (low, high) in arm.search.items()},
        strategy_settings=complete(strategy.space, own, f"{arm.name}: {arm.strategy}"),
        network=None if arm.network is None else _network(arm.network),
        density=None if arm.density is None else _density(arm.density),
    )


def _by_dataset(sweep: Sweep, arms: tuple[Arm, ...]) -> dict[str, dict[str, Any]]:
    """Return the training settings of single datasets, checked.

    Raises:
        InputError: one is unknown or out of range, or an arm sets it too, or the dataset does not take part.
    """
    found: dict[str, dict[str, Any]] = {}
    for reference, training in sweep.dataset_training.items():
        _check_takes_part("dataset_training:", reference, sweep.datasets)
        complete(settings.SPACE, training, f"training on {reference}")
        for arm in arms:
            if twice := sorted({*training} & {*arm.training, *arm.search}):
                raise InputError(
                    f"{twice[0]}: set by the arm {arm.name!r} and on the dataset {reference!r}; choose one"
                )
        found[data.canonical(reference)] = {name: settings.SPACE[name].check(training[name]) for name in training}
    return found


def _contrasts(
    sweep: Sweep, arms: tuple[Arm, ...], plugins: tuple[strategies.Plugin, ...]
) -> Iterator[tuple[str, str]]:
    names = {arm.name for arm in arms}
    references = {*names, DENSE_FRONT}
    for reference in sweep.references:
        for arm in arms:
            gated = strategies.find(arm.strategy, plugins).gated
            if reference in references and arm.name != reference and gated:
                yield arm.name, reference
    for one, other in (*((entry.arm, entry.reference) for entry in sweep.primary), *sweep.pairs):
        if one in names and other in references:
            yield one, other


def _proposals(arm: Arm, sweep: Sweep, search: Search, strategy: type[Strategy]) -> tuple[tuple[Proposal, ...], ...]:
    """Propose values for settings left open by sweep and arm, and for those the arm asks to search."""
    of_strategy = {**sweep.strategy_settings.get(arm.strategy, {}), **arm.strategy_settings}
    of_training = {**sweep.training, **arm.training}

    def searched(space: Mapping[str, Domain], given: Mapping[str, Any], names: Iterable[str]) -> SearchSpace:
        ranges = {
            name: replace(domain, search=arm.search[name])  # type: ignore[type-var]
            for name, domain in space.items()
            if name in arm.search
        }
        varied = {name for name in names if name in ranges or (space[name].searched and name not in given)}
        return SearchSpace({**space, **ranges}, complete(space, given, arm.name), varied)

    by_dataset = {name for training in sweep.dataset_training.values() for name in training}
    training = searched(settings.SPACE, of_training, [name for name in search.training if name not in by_dataset])
    return propose(training, searched(strategy.space, of_strategy, strategy.space), search, sweep.root_seed)


def checked(what: str, domain: Domain, value: Any) -> Any:
    """Return the value in its proper type.

    Raises:
        InputError: it is not in the domain; ``what`` says of what.
    """
    try:
        return domain.check(value)
    except InputError as error:
        raise InputError(f"{what}: {error}") from None
