"""How often a design would be wrong, and how often it would find what is there: the rule of decisions, simulated."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from core.errors import InputError, unknown
from studies.results.statistics.decision import WORDS, decide_all
from studies.results.statistics.looks import look_levels, repeated_intervals
from studies.results.statistics.rounding import equal_but_for_rounding
from studies.results.statistics.rule_power import detectable

# Of mean and standard deviation that scipy knows; differences are drawn in units of these.
DISTRIBUTIONS: Mapping[str, stats.rv_continuous | stats.distributions.rv_frozen] = {
    "normal": stats.norm(),
    "t3": stats.t(3),
    "laplace": stats.laplace(),
    "uniform": stats.uniform(),
    "gamma4": stats.gamma(4),
    "exponential": stats.expon(),
    "lognormal": stats.lognorm(0.5),
    "lognormal1": stats.lognorm(1.0),
}
COLUMNS = (
    *("scenario", "difference", *WORDS, "seeds"),
    *(f"family_{word}" for word in WORDS[:3]),
    *("family_error", "coverage", "family_coverage"),
)
# Samples [replications, contrasts, seeds] are drawn in parts of about so many numbers.
_PART = 2_000_000


def simulate(
    looks: Sequence[int],
    *,
    contrasts: int,
    alpha: float,
    delta: float,
    std: float,
    rng: np.random.Generator,
    distribution: str | Sequence[float] = "normal",
    shared: float = 0.0,
    replications: int = 10_000,
) -> pd.DataFrame:
    """Simulate studies of a design, in which all contrasts have the same true difference, by the rule that decides.

    Each contrast ends at the first look at which its interval says a word. Scenarios are: no difference at all;
    differences of ``delta`` and of ``-delta``, at which "equivalent" is already wrong; and the difference that is
    detectable at .8, above and below 0. Where ``delta`` is 0 its two scenarios are left out, and so are those of the
    detectable difference where none is.

    Args:
        looks: numbers of seeds, increasing; one number is a study without looks.
        contrasts: primary ones, among which alpha is divided.
        alpha: of the family.
        delta: smallest difference of interest.
        std: standard deviation of paired differences, above 0, in the units of ``delta``.
        rng: draws the differences; equal generators give equal tables.
        distribution: of paired differences, a key of ``DISTRIBUTIONS``; or differences that were seen, which are
            centred, scaled to ``std`` and drawn with replacement.
        shared: share of the variance that all contrasts of a study have in common, as from one reference; 0 is the
            hardest case for the error of the family.
        replications: studies.

    Returns:
        One row per scenario: the true ``difference``; the shares of contrasts that end with each word, and their mean
        number of ``seeds``; ``family_*``, the share of studies in which any contrast ends with the word;
        ``family_error``, in which any ends with a word that is false; ``coverage``, the share of contrasts whose
        intervals hold the true difference at every look that they take, and ``family_coverage``, the share of studies
        in which all do. The standard error of a share p is ``sqrt(p (1 - p) / replications)``.

    Raises:
        InputError: ``std`` is not above 0 and finite, ``shared`` is not within 0 and 1, ``replications`` is below 1,
            there is no such distribution, what was seen has no spread, or the rest is as in
            :func:`~studies.results.statistics.rule_power.probability_decided`.

    A single contrast of ten seeds is wrong in fewer than one of 20 studies, and what it detects is found in four of 5:

    >>> table = simulate([10], contrasts=1, alpha=0.05, delta=0.5, std=1.0, rng=np.random.default_rng(0))
    >>> rows = table.set_index("scenario")
    >>> bool((rows["family_error"] < 0.05).all()), round(float(rows.loc["detectable, worse", "worse"]), 1)
    (True, 0.8)
    """
    if not (std > 0 and math.isfinite(std)):
        raise InputError(f"a finite standard deviation above 0 is wanted, not {std}")
    if not 0 <= shared <= 1 or replications < 1:
        raise InputError(f"a share within 0 and 1 and a replication are wanted, not {shared} and {replications}")
    if not delta >= 0:
        raise InputError(f"the smallest difference of interest is at least 0, not {delta}")
    smallest = detectable(std, looks=looks, alpha=alpha, contrasts=contrasts)
    levels = look_levels(looks, alpha / contrasts)
    draw = _standardised(distribution)
    low, high = (np.empty((len(looks), replications, contrasts)) for _ in range(2))
    for start in range(0, replications, part := max(1, _PART // (contrasts * looks[-1]))):
        stop = min(start + part, replications)
        samples = draw((stop - start, contrasts, looks[-1]), rng)
        if shared:
            common = draw((stop - start, 1, looks[-1]), rng)
            samples = math.sqrt(1 - shared) * samples + math.sqrt(shared) * common
        for place, (look, level) in enumerate(zip(looks, levels, strict=True)):
            low[place, start:stop], high[place, start:stop] = repeated_intervals(samples[..., :look], level)
    scenarios = [("no difference", 0.0)]
    if delta:
        scenarios += [("delta, worse", delta), ("delta, better", -delta)]
    if math.isfinite(smallest):
        scenarios += [("detectable, worse", smallest), ("detectable, better", -smallest)]
    rows = [
        {"scenario": name, **_outcome(std * low + truth, std * high + truth, truth, looks, delta)}
        for name, truth in scenarios
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _outcome(
    low: NDArray[np.float64], high: NDArray[np.float64], truth: float, looks: Sequence[int], delta: float
) -> dict[str, float]:
    """Follow the contrasts [looks, replications, contrasts] from look to look until a word is said."""
    undecided = len(WORDS) - 1
    words = np.full(low.shape[1:], undecided)
    seeds = np.full(low.shape[1:], looks[-1])
    covered = np.ones(low.shape[1:], dtype=bool)
    for look, lower, upper in zip(looks, low, high, strict=True):
        going = words == undecided
        covered &= ~going | ((lower <= truth) & (truth <= upper))
        words = np.where(going, decide_all(lower, upper, delta), words)
        seeds = np.where(going & (words != undecided), look, seeds)
    true = {"better": truth < 0, "worse": truth > 0, "equivalent": abs(truth) < delta}
    any_false = np.zeros(len(words), dtype=bool)
    found: dict[str, float] = {"difference": truth, "seeds": float(seeds.mean())}
    for place, word in enumerate(WORDS):
        found[word] = float(np.mean(words == place))
        if word != "undecided":
            said = (words == place).any(axis=1)
            found[f"family_{word}"] = float(said.mean())
            any_false |= said & (not true[word])
    found["family_error"] = float(any_false.mean())
    found["coverage"] = float(covered.mean())
    found["family_coverage"] = float(covered.all(axis=1).mean())
    return found


def _standardised(
    distribution: str | Sequence[float],
) -> Callable[[tuple[int, ...], np.random.Generator], NDArray[np.float64]]:
    """Return what draws values of mean 0 and variance 1."""
    if isinstance(distribution, str):
        if distribution not in DISTRIBUTIONS:
            raise unknown("distribution", distribution, DISTRIBUTIONS)
        law = DISTRIBUTIONS[distribution]
        mean, spread = float(law.mean()), float(law.std())
        return lambda size, rng: (np.asarray(law.rvs(size=size, random_state=rng)) - mean) / spread
    seen = np.asarray(distribution, dtype=float)
    if seen.ndim != 1 or len(seen) < 2 or not np.isfinite(seen).all() or equal_but_for_rounding(seen):
        raise InputError("differences that were seen are at least two, finite and not all equal")
    values = (seen - seen.mean()) / seen.std()
    return lambda size, rng: rng.choice(values, size=size)
