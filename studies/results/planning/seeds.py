"""How many seeds a difference needs, from the variance of a finished study."""

from functools import partial

import pandas as pd

from core.errors import InputError
from studies.metric import difference_text, difference_units
from studies.results.results import SETTING, Results
from studies.results.statistics.intervals import left_to_seeds
from studies.results.statistics.rule_power import detectable, seeds_needed
from studies.results.table import Column, Table, setting_columns

COLUMNS = (*SETTING, "arm", "reference", "units", "std", "detectable", "difference", "seeds_needed")


def seeds_for(results: Results, difference: float | None, power: float) -> pd.DataFrame:
    """Return, per primary contrast, how many paired seeds decide a difference, by the rule that makes verdicts.

    Of a searched study it is how many searches, each with as many seeds as now.

    At a single look, with alpha over the number of primary contrasts. The standard deviation is that of the study's
    own paired differences, which is an estimate: from few seeds, a rough one. What test examples that seeds share add
    to the intervals stays as it is with more seeds, so that none may be enough.

    Args:
        results: of a finished study, the pilot.
        difference: of test error, as errors are; None is each contrast's delta.
        power: the probability of deciding it.

    Returns:
        ``COLUMNS``, one row per primary contrast; ``difference`` is what is to be decided as better or worse,
        ``seeds_needed`` for that, missing where 1,000 are not enough, and ``detectable`` what the pilot's number of
        seeds decides with this probability.

    Raises:
        InputError: the study has no primary contrasts, or too few runs that did not fail to show a variance, or no
            difference is asked for, or one that is too small; or the probability is that of an error.
    """
    contrasts = results.contrasts[results.contrasts["primary"].astype(bool)]
    if contrasts.empty:
        raise InputError("power: the study has no primary contrasts here, and only these have verdicts")
    wanted = contrasts["delta"] if difference is None else contrasts["delta"] * 0 + difference
    if (wanted <= 0).any():
        raise InputError("power: the study's delta is 0, which no number of seeds detects; give --difference")
    if contrasts["std"].isna().any():
        raise InputError(
            "power: fewer than two seeds without failures show no variance; run the study with --seeds 3 or more, a "
            "searched one with --searches 3 or more"
        )
    if (contrasts["std"] == 0).any():
        raise InputError(
            "power: all differences of a contrast are equal, and of those without any spread nothing is said"
        )
    alpha, many = results.protocol.alpha, results.protocol.contrasts
    if power <= alpha:
        raise InputError(f"power: a probability of {power:g} is not above {alpha:g}, that of an error")
    # More seeds do nothing about the examples that they share.
    of_examples = contrasts["example_std"].astype(float).fillna(0.0) ** 2
    left = [left_to_seeds(size, variance, 1 - alpha / many) for size, variance in zip(wanted, of_examples, strict=True)]
    # Delta as 0: what is asked for is a difference that is found, not one that is shown not to matter.
    needed = [
        seeds_needed(size, std, alpha=alpha, contrasts=many, delta=0.0, power=power)
        for size, std in zip(left, contrasts["std"], strict=True)
    ]
    of_both = (contrasts["std"] ** 2 + contrasts["n"] * of_examples) ** 0.5
    found = [
        detectable(std, looks=(n,), alpha=alpha, contrasts=many, power=power)
        for std, n in zip(of_both, contrasts["units"], strict=True)
    ]
    seeds = pd.array(needed, dtype="Int64")
    return contrasts.assign(difference=wanted, detectable=found, seeds_needed=seeds)[list(COLUMNS)]


def seeds_text(seeds: int) -> str:
    """Write how many seeds are needed, which may be missing."""
    return "more than 1,000" if pd.isna(seeds) else str(seeds)


def power_table(difference: float | None, power: float) -> Table:
    """Return the table of :func:`seeds_for`, for a terminal."""
    return Table(
        name="power",
        title="Seeds that a difference needs",
        numbers=lambda results: seeds_for(results, difference, power),
        columns=(
            Column("arm", "arm"),
            Column("reference", "reference"),
            *setting_columns(),
            Column("units", "n", str),
            *(
                Column(key, head, partial(difference_text, digits=1, signed=False), keys=("dataset", key))
                for key, head in (("std", "std"), ("detectable", "found"), ("difference", "wanted"))
            ),
            Column("seeds_needed", "needed", seeds_text),
        ),
        caption=lambda results: (
            f"std: of the paired differences; found: what n {results.protocol.unit_name} decide with probability "
            f"{power:g}; wanted: what is to be decided; all in {difference_units(results.runs)}"
        ),
        outputs=("terminal",),
    )
