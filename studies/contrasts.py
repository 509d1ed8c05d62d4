"""The frozen contrasts: paired differences between a strategy and a reference, tested as one family."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from core.seeding import SeedStreams
from studies.protocol import Protocol
from studies.results import GROUP, SETTING
from studies.statistics import holm, minimum_detectable, probability_below, sample_std, sign_flip_p, t_interval, verdict

COLUMNS = (
    *SETTING,
    *("strategy", "reference", "n", "failures", "difference", "ci_low", "ci_high", "std", "p", "p_holm"),
    *("probability_better", "probability_better_low", "probability_better_high"),
    *("verdict", "minimum_detectable"),
)


def contrast(
    selected: pd.DataFrame, pairs: Sequence[tuple[str, str]], protocol: Protocol, root_seed: int
) -> pd.DataFrame:
    """Compare strategies with references on the same seeds, one row per pair and setting in which both are run.

    A reference that is run elsewhere on the same dataset, and in one setting only, is compared with from all of them:
    so is a dense network of the widths that a paper gives.

    ``difference`` is the mean over seeds of the strategy's test error minus the reference's, with its 95 % t interval;
    ``std`` is that of the paired differences. ``p`` is of the two-sided sign flip test, ``p_holm`` is adjusted for all
    rows together. ``probability_better`` is the share of seeds on which the strategy's error is the lower one, ties
    counted as one half, with its Wilson interval. ``minimum_detectable`` is the difference that a t test at
    alpha / rows finds with 80 % power. Failed runs count at the chance floor; ``failures`` are the strategy's.

    Args:
        selected: the selected configurations' runs with the errors they count for.
        pairs: strategy and reference, by the names of their arms.
        protocol: alpha and delta.
        root_seed: of the random flips where there are too many seeds for all flips.

    Raises:
        ValueError: the two sides of a pair do not have the same seeds.

    On three seeds the errors differ by -.05, -.04 and -.06, whose mean is -.05; of the 8 ways to flip their signs only
    two are as far from 0 as this one:

    >>> runs = pd.DataFrame({"dataset": "digits", "network": "4x4", "target_density": 0.25, "seed": [0, 1, 2] * 2,
    ...                      "strategy": ["top_k"] * 3 + ["small_dense"] * 3, "failed": False,
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
        for strategy, reference in pairs:
            one, other = errors.get((*setting, strategy)), _reference(errors, setting, reference)
            if one is None or other is None:
                continue
            if not one.index.equals(other.index):
                raise ValueError(f"{strategy} and {reference} do not have the same seeds in {setting}")
            paired = (one - other).tolist()
            low, high = t_interval(paired)
            share, share_low, share_high = probability_below(paired)
            differences.append(paired)
            rows.append(
                {
                    **dict(zip(SETTING, setting, strict=True)),
                    "strategy": strategy,
                    "reference": reference,
                    "n": len(paired),
                    "failures": int(failures[*setting, strategy]),
                    "difference": float(np.mean(paired)),
                    "ci_low": low,
                    "ci_high": high,
                    "std": sample_std(paired),
                    "p": sign_flip_p(paired, streams.numpy(*map(str, setting[1:]), strategy, reference)),
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
