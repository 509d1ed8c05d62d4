"""The frozen contrasts: paired differences between an arm and a reference, tested as one family."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.seeding import SeedStreams
from studies.design.protocol import Protocol
from studies.formatting import interval, number, percent, points, points_interval
from studies.results.results import GROUP, SETTING, Results
from studies.results.statistics.intervals import sample_std, t_interval
from studies.results.statistics.paired import holm, probability_below, sign_flip_p
from studies.results.statistics.power import minimum_detectable
from studies.results.statistics.verdict import verdict
from studies.results.table import Column, Table, setting_columns

COLUMNS = (
    *SETTING,
    *("arm", "reference", "n", "failures", "difference", "ci_low", "ci_high", "std", "p", "p_holm"),
    *("probability_better", "probability_better_low", "probability_better_high"),
    *("verdict", "minimum_detectable"),
)


def contrast(
    selected: pd.DataFrame, pairs: Sequence[tuple[str, str]], protocol: Protocol, root_seed: int
) -> pd.DataFrame:
    """Compare arms with references on the same seeds, one row per pair and setting in which both are run.

    A reference that is run elsewhere on the same dataset, and in one setting only, is compared with from all of them:
    so is a dense network of the widths that a paper gives.

    ``difference`` is the mean over seeds of the arm's test error minus the reference's, with its 95 % t interval;
    ``std`` is that of the paired differences. ``p`` is of the two-sided sign flip test, ``p_holm`` is adjusted for all
    rows together. ``probability_better`` is the share of seeds on which the arm's error is the lower one, ties
    counted as one half, with its Wilson interval. ``minimum_detectable`` is the difference that a t test at
    alpha / rows finds with 80 % power. Failed runs count at the chance floor; ``failures`` are the arm's.

    Args:
        selected: the selected configurations' runs with the errors they count for.
        pairs: names of an arm and a reference.
        protocol: alpha and delta.
        root_seed: of the random flips where there are too many seeds for all flips.

    Raises:
        ValueError: the two sides of a pair do not have the same seeds.

    On three seeds the errors differ by -.05, -.04 and -.06, whose mean is -.05; of the 8 ways to flip their signs only
    two are as far from 0 as this one:

    >>> runs = pd.DataFrame({"dataset": "digits", "network": "4x4", "target_density": 0.25, "seed": [0, 1, 2] * 2,
    ...                      "arm": ["top_k"] * 3 + ["small_dense"] * 3, "failed": False,
    ...                      "error": [0.10, 0.12, 0.11, 0.15, 0.16, 0.17]})
    >>> protocol = Protocol(seeds=3, alpha=0.05, delta=0.005, search=None)
    >>> row = contrast(runs, [("top_k", "small_dense")], protocol, root_seed=0).iloc[0]
    >>> round(float(row["difference"]), 3), float(row["p"]), float(row["probability_better"]), str(row["verdict"])
    (-0.05, 0.25, 1.0, 'inconclusive')
    """
    rows: list[dict[str, Any]] = []
    differences: list[list[float]] = []
    errors = {key: part.set_index("seed")["error"].sort_index() for key, part in selected.groupby(list(GROUP))}
    failures = selected.groupby(list(GROUP))["failed"].sum()
    for setting in selected[list(SETTING)].drop_duplicates().itertuples(index=False, name=None):
        streams = SeedStreams(root_seed, "bootstrap", str(setting[0]), 0)
        for arm, reference in pairs:
            one, other = errors.get((*setting, arm)), _reference(errors, setting, reference)
            if one is None or other is None:
                continue
            if not one.index.equals(other.index):
                raise ValueError(f"{arm} and {reference} do not have the same seeds in {setting}")
            paired = (one - other).tolist()
            low, high = t_interval(paired)
            share, share_low, share_high = probability_below(paired)
            differences.append(paired)
            rows.append(
                {
                    **dict(zip(SETTING, setting, strict=True)),
                    "arm": arm,
                    "reference": reference,
                    "n": len(paired),
                    "failures": int(failures[*setting, arm]),
                    "difference": float(np.mean(paired)),
                    "ci_low": low,
                    "ci_high": high,
                    "std": sample_std(paired),
                    "p": sign_flip_p(paired, streams.numpy(*map(str, setting[1:]), arm, reference)),
                    "probability_better": share,
                    "probability_better_low": share_low,
                    "probability_better_high": share_high,
                }
            )
    adjusted = holm([row["p"] for row in rows], protocol.alpha)
    for row, paired, p_holm in zip(rows, differences, adjusted, strict=True):
        row["p_holm"] = p_holm
        row["verdict"] = verdict(paired, p_holm, delta=protocol.delta, alpha=protocol.alpha)
        row["minimum_detectable"] = minimum_detectable(paired, alpha=protocol.alpha / len(rows))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _reference(
    errors: Mapping[Any, "pd.Series[float]"], setting: tuple[Any, ...], reference: str
) -> "pd.Series[float] | None":
    """Return its errors in this setting, or in the only one of this dataset in which it is run."""
    if (*setting, reference) in errors:
        return errors[*setting, reference]
    elsewhere = [key for key in errors if (key[0], key[-1]) == (setting[0], reference)]
    return errors[elsewhere[0]] if len(elsewhere) == 1 else None


def _share_better(better: float, low: float, high: float) -> str:
    return f"{percent(better, 0)} ({interval(low, high, 0)})"


def _caption(results: Results) -> str:
    protocol, rows = results.protocol, len(results.contrasts)
    return (
        "Paired differences of test error in points, arm minus reference on the same seed, so that negative is better, "
        f"over {protocol.seeds} seeds. p Holm: of the exact sign flip test, corrected for all {rows} contrasts. "
        "Verdicts at alpha = "
        f"{protocol.alpha:g} for a smallest difference of interest of {points(protocol.delta, signed=False)} points. "
        f"Detectable: the difference that a t test at alpha / {rows} finds with 80 % power at this n and variance."
    )


CONTRASTS = Table(
    name="contrasts",
    title="Contrasts",
    numbers=lambda results: results.contrasts,
    columns=(
        Column("arm", "arm"),
        Column("reference", "reference"),
        *setting_columns(),
        Column("n", "n", str, outputs=("page",)),
        Column("difference", "difference", points),
        Column("ci_low", "95 % interval", points_interval, keys=("ci_low", "ci_high")),
        Column("p", "p", lambda p: number(p, 4), outputs=("page",)),
        Column("p_holm", "p Holm", lambda p: number(p, 4)),
        Column(
            "probability_better",
            "P(better)",
            _share_better,
            keys=("probability_better", "probability_better_low", "probability_better_high"),
            outputs=("page",),
            note=(
                "P(better): share of seeds on which the arm has the lower error, ties counted as one half, with its "
                "95 % Wilson interval."
            ),
        ),
        Column("verdict", "verdict"),
        Column("minimum_detectable", "detectable", lambda size: points(size, signed=False)),
    ),
    caption=_caption,
)
