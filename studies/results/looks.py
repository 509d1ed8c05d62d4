"""What every look at a study has shown, from the first on: nothing that was seen on the way is left out."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from studies.design.primary import Primary
from studies.design.protocol import FEWEST_SEARCHES, Protocol, search_of
from studies.design.setting import Setting
from studies.metric import difference_interval_text, difference_text, difference_units
from studies.results.independent import deciding_interval, independent
from studies.results.pairing import Paired, Pairing
from studies.results.results import SETTING, Results
from studies.results.statistics.decision import decide, futile
from studies.results.statistics.looks import look_levels
from studies.results.table import Column, Table, setting_columns

COLUMNS = (*SETTING, "arm", "reference", "units", "difference", "ci_low", "ci_high", "level", "verdict", "futile")


def looks_taken(
    pairing: Pairing, settings: Sequence[Setting], primary: Sequence[Primary], protocol: Protocol
) -> pd.DataFrame:
    """Return a row per primary contrast and look that the runs allow, with the interval and verdict of that look.

    A look at n ``units`` is at the first n seeds, or at the first n searches if there is a search. Where a run of
    either side fails among them, or there are fewer than three searches, the verdict is empty. ``futile`` says that no
    word is likely at the last look, see :func:`studies.results.statistics.decision.futile`.

    Args:
        pairing: the runs.
        settings: in which there may be contrasts.
        primary: the contrasts.
        protocol: alpha, delta and looks.

    Raises:
        ValueError: the two sides of a contrast do not have the same seeds.
    """
    if not protocol.looks or not protocol.contrasts:
        return pd.DataFrame(columns=list(COLUMNS))
    levels = look_levels(protocol.looks, protocol.alpha / protocol.contrasts)
    rows: list[dict[str, Any]] = []
    for setting in settings:
        for entry in primary:
            found = pairing.pair(setting, entry.arm, entry.reference) if entry.fits(setting) else None
            if found is None:
                continue
            for units, level in zip(protocol.looks, levels, strict=True):
                if units <= protocol.units:
                    named = {**setting._asdict(), "arm": entry.arm, "reference": entry.reference, "units": units}
                    rows.append({**named, **_look(found, setting.dataset, units, level, levels[-1], protocol)})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _look(
    found: Paired, dataset: str, units: int, level: float, last_level: float, protocol: Protocol
) -> dict[str, Any]:
    search = protocol.search
    by_seed = found.differences.sort_index()
    first = by_seed.head(units) if search is None else by_seed[by_seed.index.map(search_of) < units]
    there = independent(first, search).tolist()
    shared = found.example_variance(units) if search is None else np.nan
    low, high = deciding_interval(there, level, search, shared, found.ceiling)
    delta = protocol.smallest_difference(dataset, found.reference_error)
    whole = not protocol.development and not first.isna().any() and (search is None or units >= FEWEST_SEARCHES)
    return {
        "difference": float(np.mean(there)) if there else np.nan,
        "ci_low": low,
        "ci_high": high,
        "level": level,
        "verdict": decide(low, high, delta) if whole else "",
        "futile": whole and futile(there, looks=protocol.looks, level_at_end=last_level, delta=delta),
    }


def settled(looks: pd.DataFrame, units: int) -> bool:
    """Whether more units have nothing to decide: at this look each contrast has a word, or none to hope for.

    A contrast without a verdict because a run failed stays without one, whatever is added.

    >>> looks = pd.DataFrame({"units": [6, 6], "verdict": ["better", "undecided"], "futile": [False, True]})
    >>> settled(looks, 6), settled(looks.assign(futile=False), 6)
    (True, False)
    """
    now = looks[looks["units"] == units]
    return bool(((now["verdict"] != "undecided") | now["futile"].astype(bool)).all())


def _caption(results: Results) -> str:
    protocol = results.protocol
    ahead = [str(units) for units in protocol.looks if units > protocol.units]
    more = f" Not taken: looks at {', '.join(ahead)} {protocol.unit_name}." if ahead else ""
    return (
        f"Every look at the primary contrasts: difference of test error in {difference_units(results.runs)} over the "
        f"first n {protocol.unit_name}, with the interval at that look's level, simultaneous over contrasts and looks, "
        f"and the verdict read off it. “Futile”: no verdict is likely at the last look.{more}"
    )


def _shown(results: Results) -> pd.DataFrame:
    """The looks, if there is more than one to take."""
    return results.looks if len(results.protocol.looks) > 1 else results.looks.head(0)


LOOKS = Table(
    name="looks",
    title="Looks",
    numbers=_shown,
    columns=(
        Column("arm", "arm"),
        Column("reference", "reference"),
        *setting_columns(),
        Column("units", "n", str),
        Column("difference", "difference", difference_text, keys=("dataset", "difference")),
        Column("ci_low", "interval", difference_interval_text, keys=("dataset", "ci_low", "ci_high")),
        Column("verdict", "verdict", lambda verdict: verdict or "none", verdict="verdict"),
        Column("futile", "futile", lambda futile: "yes" if futile else "no"),
    ),
    caption=_caption,
    outputs=("page",),
)
