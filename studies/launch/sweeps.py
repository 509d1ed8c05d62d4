"""What a user's choices change of a study's sweep."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import strategies
from core.errors import InputError
from studies.design import Sweep
from studies.design.override import chosen_names, keep_arms


def changed(
    sweep: Sweep,
    names: str | Sequence[str] | None,
    seeds: int | None,
    dataset: str | None,
    plugins: tuple[strategies.Plugin, ...],
) -> Sweep:
    """Apply the options that have names of their own; a plugin joins the study's strategies unless some are chosen.

    More or fewer seeds leave the study's looks and primary contrasts as they are, and so do fewer strategies: neither
    makes a verdict easier. Seeds of a searched study are those of each winner, and its looks are at searches.
    """
    if names is not None:
        sweep = keep_arms(sweep, chosen_names(names, sweep) if isinstance(names, str) else list(names))
    elif plugins:
        own = sweep.strategies or (() if sweep.arms else tuple(strategies.built_in()))
        sweep = replace(sweep, strategies=(*own, *(plugin.name for plugin in plugins)))
    if seeds is not None:
        sweep = replace(_keeping_looks(sweep), seeds=seeds)
    if dataset is not None:
        of_it = {name: training for name, training in sweep.dataset_training.items() if name == dataset}
        sweep = replace(sweep, datasets=(dataset,), dataset_training=of_it)
    return sweep


def searched(name: str, sweep: Sweep, sizes: Mapping[str, int | None]) -> Sweep:
    """Change how large a study's search is; more or fewer searches leave its looks as they are.

    Raises:
        InputError: the study has no search.
    """
    given = {key: value for key, value in sizes.items() if value is not None}
    if not given:
        return sweep
    if sweep.search is None:
        raise InputError(
            f"--points, --tuning-seeds, --searches: {name} runs every strategy at its settings, unsearched"
        )
    search = replace(sweep.search, **given)  # type: ignore[arg-type]  # no tuple is among them
    return replace(_keeping_looks(sweep), search=search)


def _keeping_looks(sweep: Sweep) -> Sweep:
    # A study of a single seed or search is not made to decide anything.
    return replace(sweep, looks=sweep.looks or (max(2, sweep.units),))
