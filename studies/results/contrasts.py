"""Contrasts: paired differences between an arm and a reference, of which the primary ones have verdicts."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from core.seeding import SeedStreams
from studies.design.dense_front import DENSE_FRONT
from studies.design.primary import Primary
from studies.design.protocol import FEWEST_SEARCHES, Protocol
from studies.design.setting import Setting
from studies.formatting import interval, number, percent
from studies.metric import PERCENT, difference_interval_text, difference_text, difference_units, unit_of
from studies.results.examples.covered import over
from studies.results.independent import deciding_interval, exploratory_interval, independent
from studies.results.pairing import Paired, Pairing
from studies.results.results import SETTING, Results
from studies.results.statistics.decision import decide
from studies.results.statistics.intervals import left_to_seeds, sample_std
from studies.results.statistics.looks import look_levels
from studies.results.statistics.paired import probability_below, sign_flip_p
from studies.results.statistics.rule_power import detectable, seeds_needed
from studies.results.table import Column, Table, setting_columns

# Of intervals that are not simultaneous.
EXPLORATORY_LEVEL = 0.05
COLUMNS = (
    *SETTING,
    *("arm", "reference", "primary", "verdict", "withheld", "n", "units", "failures", "reference_failures", "beyond"),
    *("difference", "ci_low", "ci_high", "level", "std", "example_std", "p", "reference_error", "delta", "macs_ratio"),
    *("probability_better", "probability_better_low", "probability_better_high", "detectable", "seeds_needed"),
)


def contrast(
    pairing: Pairing,
    settings: Sequence[Setting],
    pairs: Sequence[tuple[str, str]],
    primary: Sequence[Primary],
    protocol: Protocol,
    root_seed: int,
) -> pd.DataFrame:
    """Compare arms with references on the same seeds, one row per pair and setting in which both are run.

    ``difference`` is the mean over seeds of the arm's test error minus the reference's, over the seeds on which neither
    failed. In a searched study it is that of the two procedures: the mean over searches, each with the seeds of its own
    winners, so that whatever follows is of ``units`` that are searches and not seeds. ``ci_low`` and ``ci_high`` are
    the ends of its interval at ``level``. For a primary contrast that is a share of alpha, and the interval is that of
    :func:`studies.results.independent.deciding_interval`: all intervals of primary contrasts hold together at all looks
    with probability 1 - alpha, and ``verdict`` is read off it by
    :func:`studies.results.statistics.decision.decide`. For an exploratory contrast the level is .05, the interval is
    that of t, within -1 and 1 for searches, and there is no verdict. Where records say which test examples each network
    was right on, intervals over seeds also cover new examples
    (:func:`studies.results.statistics.intervals.with_examples`): ``example_std`` is the standard error of the
    difference that they make beyond what seeds show. It is missing where intervals are over seeds or searches alone.

    A primary contrast has no verdict, and ``withheld`` says why, where a run of either side failed, where
    multiply-adds of the arm are ``beyond`` the dense front, where there are fewer than three searches, and where the
    number of seeds, or of searches, is none of the study's looks.

    ``delta`` is the smallest difference that matters, a share of ``reference_error``. ``p`` is of the two-sided exact
    sign flip test, a check beside the interval. ``macs_ratio`` is the arm's multiply-adds over the reference's.
    ``probability_better`` is the share of units in which the arm has the lower error, ties counted as one half, with
    its Wilson interval. ``detectable`` is the difference that a primary contrast finds with probability .8 at this
    number of units and standard deviation, that of examples included, and ``seeds_needed`` how many units decide an
    undecided one with that probability, if its difference and both standard deviations are what they seem; missing
    beyond 1,000.

    Args:
        pairing: the runs.
        settings: in which there may be contrasts.
        pairs: names of an arm and a reference.
        primary: those that have verdicts.
        protocol: alpha, delta and looks.
        root_seed: of the random flips where there are too many seeds for all flips.

    Raises:
        ValueError: the two sides of a pair do not have the same seeds.

    On three seeds the errors differ by -.05, -.04 and -.06, whose mean is -.05 and whose standard deviation is .01; of
    the 8 ways to flip their signs only two are as far from 0 as this one. The interval is -.05 +- 17.75 * .01 /
    sqrt(3), see :func:`studies.results.statistics.looks.repeated_interval`:

    >>> runs = pd.DataFrame({"dataset": "digits", "network": "4x4", "target_density": 0.25, "seed": [0, 1, 2] * 2,
    ...                      "arm": ["top_k"] * 3 + ["random"] * 3, "failed": False, "test_macs": 9.0,
    ...                      "error": [0.10, 0.12, 0.11, 0.15, 0.16, 0.17]})
    >>> protocol = Protocol(seeds=3, alpha=0.05, delta=0.05, search=None, looks=(3,), contrasts=1)
    >>> here, pair = [Setting("digits", "4x4", 0.25)], ("top_k", "random")
    >>> row = contrast(Pairing(runs, runs.head(0)), here, [pair], [Primary(*pair)], protocol, root_seed=0).iloc[0]
    >>> round(float(row["difference"]), 3), float(row["p"]), str(row["verdict"]), round(float(row["ci_high"]), 3)
    (-0.05, 0.25, 'undecided', 0.052)
    """
    rows = []
    for setting in settings:
        streams = SeedStreams(root_seed, "bootstrap", setting.dataset, 0)
        for arm, reference in pairs:
            found = pairing.pair(setting, arm, reference)
            if found is not None:
                is_primary = any(
                    (entry.arm, entry.reference) == (arm, reference) and entry.fits(setting) for entry in primary
                )
                flips = streams.numpy(*map(str, setting[1:]), arm, reference)
                named = {**setting._asdict(), "arm": arm, "reference": reference, "primary": is_primary}
                rows.append({**named, **_row(found, setting.dataset, protocol, flips, is_primary)})
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(found: Paired, dataset: str, protocol: Protocol, flips: np.random.Generator, primary: bool) -> dict[str, Any]:
    differences = independent(found.differences, protocol.search).tolist()
    deciding = primary and protocol.look is not None
    level = _level(protocol) if deciding else EXPLORATORY_LEVEL
    std = sample_std(differences)
    # The searches of a study share their test examples: what these add is not told from what a search finds.
    shared = found.example_variance() if protocol.search is None else np.nan
    interval_at = deciding_interval if deciding else exploratory_interval
    low, high = interval_at(differences, level, protocol.search, shared, found.ceiling)
    delta = protocol.smallest_difference(dataset, found.reference_error)
    withheld = _withheld(found, protocol) if primary else ""
    verdict = decide(low, high, delta) if primary and not withheld else ""
    share, share_low, share_high = probability_below(differences) if differences else (np.nan,) * 3
    return {
        "verdict": verdict,
        "withheld": withheld,
        "n": len(found.differences),
        "units": len(differences),
        "failures": found.failures,
        "reference_failures": found.reference_failures,
        "beyond": found.beyond,
        "difference": float(np.mean(differences)) if differences else np.nan,
        "ci_low": low,
        "ci_high": high,
        "level": level,
        "std": std,
        "example_std": np.sqrt(shared),
        "p": sign_flip_p(differences, flips) if differences else np.nan,
        "reference_error": found.reference_error,
        "delta": delta,
        "macs_ratio": found.macs_ratio,
        "probability_better": share,
        "probability_better_low": share_low,
        "probability_better_high": share_high,
        "detectable": _detectable(std, shared, len(differences), level) if deciding else np.nan,
        "seeds_needed": _needed(differences, std, shared, delta, protocol) if verdict == "undecided" else np.nan,
    }


def _detectable(std: float, shared: float, n: int, level: float) -> float:
    if n < 2:
        return np.nan
    # The standard deviation whose mean over n seeds varies by as much; t quantiles for all of it are a little wide.
    of_both = std if np.isnan(shared) else float(np.sqrt(std**2 + n * shared))
    return detectable(of_both, looks=(n,), alpha=level, contrasts=1)


def _needed(differences: Sequence[float], std: float, shared: float, delta: float, protocol: Protocol) -> float:
    """Return the units that decide; what test examples add to an interval stays as it is with more of them."""
    variance, confidence = 0.0 if np.isnan(shared) else shared, 1 - protocol.alpha / protocol.contrasts
    difference = left_to_seeds(abs(float(np.mean(differences))), variance, confidence)
    smallest = left_to_seeds(delta, variance, confidence)
    if not std > 0 or (variance and not (difference or smallest)):
        return np.nan
    needed = seeds_needed(difference, std, alpha=protocol.alpha, contrasts=protocol.contrasts, delta=smallest)
    return np.nan if needed is None else max(needed, len(differences) + 1)


def _level(protocol: Protocol) -> float:
    assert protocol.look is not None
    return look_levels(protocol.looks, protocol.alpha / protocol.contrasts)[protocol.look]


def _withheld(found: Paired, protocol: Protocol) -> str:
    """Say why there is no verdict; nothing if there is one."""
    if found.failures and found.reference_failures:
        return "runs of both failed"
    if found.failures:
        return "runs failed"
    if found.reference_failures:
        return "runs of the reference failed"
    if found.beyond:
        return "beyond the dense front"
    if protocol.search is not None and (searches := protocol.search.searches) < FEWEST_SEARCHES:
        return f"R = {searches} {'search is' if searches == 1 else 'searches are'} fewer than {FEWEST_SEARCHES}"
    if protocol.development:
        return "tested on development examples"
    if protocol.look is None:
        return f"{protocol.units} {protocol.unit_name} are no look of the study"
    return ""


def _share_better(better: float, low: float, high: float) -> str:
    return f"{percent(better, 0)} ({interval(low, high, 0)})"


def _verdict(verdict: str, withheld: str, primary: bool) -> str:
    return verdict or (f"none: {withheld}" if primary else "exploratory")


def _failed(failures: int, reference_failures: int) -> str:
    return f"{failures} / {reference_failures}"


def _caption(results: Results) -> str:
    protocol = results.protocol
    over = f"over {protocol.seeds} seeds"
    if protocol.search is not None:
        searches = protocol.search.searches
        over = f"mean over the winners of R = {searches} searches, each on {protocol.seeds} seeds of its own"
    return (
        f"Paired differences of test error in {difference_units(results.runs)}, arm minus reference on the same seed, "
        f"so that negative is better, {over}; failed runs are left out, and counted. {intervals(results)} "
        f"“{DENSE_FRONT}” is the error of dense networks, between the two nearest, at the multiply-adds that the arm "
        "realised."
    )


def share_that_matters(results: Results) -> str:
    """Say what share of the reference's error the smallest difference that matters is."""
    shares = {percent(results.protocol.share_that_matters(name), 0): name for name in results.runs["dataset"].unique()}
    said = [share if unit_of(name) is PERCENT else f"{share} (of bits)" for share, name in shares.items()]
    return " or ".join(said) if len(said) > 1 else next(iter(shares))


def intervals(results: Results) -> str:
    """Say what the intervals of contrasts are, in sentences."""
    contrasts, protocol = results.contrasts, results.protocol
    primary = contrasts[contrasts["primary"]]
    said = []
    if protocol.search is not None:
        said.append("Intervals are of the procedure, over searches and their seeds.")
    if len(primary) and protocol.look is not None:
        shares = f"over {protocol.contrasts} primary contrasts" if protocol.contrasts > 1 else "of the primary contrast"
        if len(protocol.looks) > 1:
            shares += f" and looks at {', '.join(map(str, protocol.looks))} {protocol.unit_name}"
        confidence = percent(1 - float(primary["level"].iloc[0]), 2)
        said.append(
            f"Intervals of primary contrasts are simultaneous {shares}: t intervals at {confidence}, widened where "
            f"differences may be skewed, that hold all together with probability {1 - protocol.alpha:g}. Verdicts are "
            "read off them."
        )
    if len(primary) < len(contrasts):
        said.append("Those of exploratory contrasts are 95 % t intervals, each by itself, and allow no verdict.")
    if len(contrasts) and protocol.search is None:
        said.append(f"Intervals are over {over(contrasts)}.")
    return " ".join(said)


CONTRASTS = Table(
    name="contrasts",
    title="Contrasts",
    numbers=lambda results: results.contrasts,
    columns=(
        Column("arm", "arm"),
        Column("reference", "reference"),
        *setting_columns(),
        Column("n", "n", str, outputs=("page",)),
        Column("difference", "difference", difference_text, keys=("dataset", "difference")),
        Column("ci_low", "interval", difference_interval_text, keys=("dataset", "ci_low", "ci_high")),
        Column("verdict", "verdict", _verdict, keys=("verdict", "withheld", "primary"), verdict="verdict"),
        Column("detectable", "detectable", partial(difference_text, signed=False), keys=("dataset", "detectable")),
        Column("macs_ratio", "MACs ratio", lambda ratio: number(ratio, 2)),
        Column(
            "failures",
            "failed",
            _failed,
            keys=("failures", "reference_failures"),
            outputs=("page",),
            note="“Failed”: runs of the arm and of the reference.",
        ),
        Column("p", "p", lambda p: number(p, 4), outputs=("page",), note="p: of the exact sign flip test, a check."),
        Column(
            "probability_better",
            "P(better)",
            _share_better,
            keys=("probability_better", "probability_better_low", "probability_better_high"),
            outputs=("page",),
            note=(
                "P(better): share of seeds, or of searches where there are any, with the lower error of the arm, ties "
                "counted as one half, with its 95 % Wilson interval."
            ),
        ),
    ),
    caption=_caption,
)
