"""How many seeds a difference needs, from the variance of a finished study."""

import pandas as pd

from core.errors import InputError
from studies.formatting import points
from studies.results.results import SETTING, Results
from studies.results.statistics.power import seeds_needed
from studies.results.table import Column, Table, setting_columns

# At this factor, some thousand million seeds are needed.
MOST_STDS = 30_000
COLUMNS = (*SETTING, "arm", "reference", "n", "std", "minimum_detectable", "seeds_needed")


def seeds_for(results: Results, difference: float, power: float) -> pd.DataFrame:
    """Return, per contrast, how many paired seeds a t test at alpha / contrasts needs to detect a difference.

    The standard deviation is that of the study's own paired differences, which is an estimate: from few seeds, a rough
    one.

    Args:
        results: of a finished study, the pilot.
        difference: of test error, a fraction.
        power: the probability of detecting it.

    Returns:
        ``COLUMNS``, one row per contrast.

    Raises:
        InputError: the study has no contrasts, or only one seed, or no difference is asked for, or one that is too
            small; or the probability is that of an error.
    """
    contrasts = results.contrasts
    if difference <= 0:
        raise InputError("power: the study's delta is 0, which no number of seeds detects; give --difference")
    if contrasts.empty:
        raise InputError("power: the study has no contrasts; run it with a reference, such as small_dense, among them")
    if contrasts["std"].isna().any():
        raise InputError("power: the study has one seed, which shows no variance; run it with --seeds 3 or more")
    alpha = results.protocol.alpha / len(contrasts)
    if power <= alpha:
        raise InputError(
            f"power: a probability of {power:g} is not above {alpha:g}, that of an error (alpha over "
            f"{len(contrasts)} contrasts)"
        )
    if (contrasts["std"] > MOST_STDS * difference).any():
        raise InputError(
            f"power: {points(difference, 10, signed=False)} points are less than the runs' standard deviation by more "
            f"than a factor of {MOST_STDS}: no number of seeds that anybody could run detects them"
        )
    needed = [seeds_needed(difference, std, alpha=alpha, power=power) for std in contrasts["std"]]
    return contrasts.assign(seeds_needed=needed)[list(COLUMNS)]


def power_table(difference: float, power: float) -> Table:
    """Return the table of :func:`seeds_for`, for a terminal."""
    return Table(
        name="power",
        title="Seeds that a difference needs",
        numbers=lambda results: seeds_for(results, difference, power),
        columns=(
            Column("arm", "arm"),
            Column("reference", "reference"),
            *setting_columns(),
            Column("n", "n", str),
            Column("std", "std", lambda std: points(std, 2, signed=False)),
            Column("minimum_detectable", "found", lambda size: points(size, 2, signed=False)),
            Column("seeds_needed", "needed", str),
        ),
        caption=lambda _: (
            "std: of the paired differences; found: what n seeds detect with probability 0.8; both in points"
        ),
        outputs=("terminal",),
    )
