"""Power of the rule that decides: how likely each word is, what it can detect, and how many seeds that takes.

The rule is that of :mod:`studies.results.statistics.looks` and :mod:`studies.results.statistics.decision`, for normal
differences. Whatever is simulated is drawn from a generator of its own with a fixed seed, so that equal designs have
equal numbers.
"""

import functools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from core.errors import InputError
from studies.results.statistics.decision import WORDS, Word, decide_all
from studies.results.statistics.looks import look_levels, quantiles, repeated_intervals, unbiasing

# The standard error of a simulated probability of .8 is .003; with more than 200 seeds there are fewer, 2,000 at least.
REPLICATIONS = 20_000
# Probabilities at one look are means over so many values of the standard deviation, and of the skewness.
_GRID = 400
_MOST_SEEDS = 1000
_SEED = 15


def probability_decided(
    difference: float, std: float, *, looks: Sequence[int], alpha: float, contrasts: int, delta: float
) -> dict[Word, float]:
    """Return how likely a contrast ends with each word, if its paired differences are normal.

    It ends at the first look at which it is better, worse or equivalent, else undecided at the last one. At one look
    the probability is integrated: given the sample's standard deviation and skewness, both independent of its mean, the
    mean is normal. At several it is simulated. Stopping for futility is left out.

    A difference of 3 standard deviations in error is all but surely seen with 20 seeds, and its absence is not taken
    for equivalence:

    >>> words = probability_decided(-3.0, 1.0, looks=[20], alpha=0.05, contrasts=1, delta=0.5)
    >>> {word: round(chance, 3) for word, chance in words.items()}
    {'better': 1.0, 'worse': 0.0, 'equivalent': 0.0, 'undecided': 0.0}

    Args:
        difference: true mean of the arm's error minus the reference's.
        std: standard deviation of the paired differences, above 0.
        looks: numbers of seeds, increasing.
        alpha: of the family.
        contrasts: in the family, which share alpha alike.
        delta: smallest difference of interest, in the units of ``std``.

    Returns:
        A probability for each word; they sum to 1.

    Raises:
        InputError: ``std`` is not above 0 and finite, ``difference`` is not finite, ``contrasts`` is below 1, or
            ``looks``, ``alpha`` or ``delta`` are as in :func:`~studies.results.statistics.looks.look_levels` and
            :func:`~studies.results.statistics.decision.decide`.
    """
    if not (std > 0 and math.isfinite(std) and math.isfinite(difference)):
        raise InputError(f"a finite difference and a standard deviation above 0 are wanted, not {difference} and {std}")
    levels = look_levels(looks, _each(alpha, contrasts))
    if len(looks) == 1:
        return _at_one_look(difference / std, looks[0], levels[0], delta / std)
    samples = _normal(int(looks[-1])) + difference / std
    words = np.full(len(samples), len(WORDS) - 1)
    for look, level in zip(looks, levels, strict=True):
        low, high = repeated_intervals(samples[:, :look], level)
        words = np.where(words == len(WORDS) - 1, decide_all(low, high, delta / std), words)
    return {word: float(np.mean(words == place)) for place, word in enumerate(WORDS)}


def detectable(std: float, *, looks: Sequence[int], alpha: float, contrasts: int, power: float = 0.8) -> float:
    """Return the smallest difference that is decided as better, or worse, by the last look with this probability.

    Delta is taken as 0: no contrast ends as equivalent before. Without a margin for skewness it would be that of the t
    test, 0.66 standard deviations for 20 seeds (Cohen 1988, chapter 2); the margin makes it 0.69.

    >>> round(detectable(1.0, looks=[20], alpha=0.05, contrasts=1), 2)
    0.69

    Args:
        std: standard deviation of the paired differences, at least 0.
        looks: numbers of seeds, increasing.
        alpha: of the family.
        contrasts: in the family.
        power: the probability.

    Returns:
        The difference, above 0, in the units of ``std``; infinite where the only look has fewer than two seeds, and NaN
        where ``std`` is NaN or 0, since no word is said of differences without any spread.

    Raises:
        InputError: ``std`` is negative or infinite, ``power`` is not between alpha and 1, or the others are as in
            :func:`probability_decided`.
    """
    if std < 0 or math.isinf(std):
        raise InputError(f"a standard deviation is finite and at least 0, not {std}")
    if not alpha < power < 1:
        raise InputError(f"power is between alpha, {alpha}, and 1, not {power}")
    if list(looks) in ([0], [1]):
        return math.inf
    unit = _detectable(tuple(int(look) for look in looks), _each(alpha, contrasts), power)
    return std * unit if std else math.nan


def seeds_needed(
    difference: float, std: float, *, alpha: float, contrasts: int, delta: float, power: float = 0.8
) -> int | None:
    """Return the fewest seeds at which, looked at once, a contrast has some word with this probability.

    Any word counts, so a difference of 0 needs those that show it to be within +-delta; a difference of about delta may
    take many.

    Half a standard deviation takes a t test 34 seeds (Cohen 1988, chapter 2), and this rule two more. None show a
    difference of 0 to be smaller than nothing:

    >>> seeds_needed(0.5, 1.0, alpha=0.05, contrasts=1, delta=0.0)
    36
    >>> seeds_needed(0.0, 1.0, alpha=0.05, contrasts=1, delta=0.0) is None
    True

    Args:
        difference: true mean of the paired differences.
        std: their standard deviation, above 0.
        alpha: of the family.
        contrasts: in the family.
        delta: smallest difference of interest.
        power: the probability.

    Returns:
        n, at least 2; None where 1000 are not enough.

    Raises:
        InputError: as :func:`probability_decided`.
    """

    def decided(n: int) -> bool:
        words = probability_decided(difference, std, looks=[n], alpha=alpha, contrasts=contrasts, delta=delta)
        return 1 - words["undecided"] >= power

    enough = 2
    while not decided(enough):
        if enough == _MOST_SEEDS:
            return None
        enough = min(2 * enough, _MOST_SEEDS)
    too_few = enough // 2
    while enough - too_few > 1:
        middle = (enough + too_few) // 2
        too_few, enough = (too_few, middle) if decided(middle) else (middle, enough)
    return enough


def _each(alpha: float, contrasts: int) -> float:
    if contrasts < 1:
        raise InputError(f"a family has at least one contrast, not {contrasts}")
    return alpha / contrasts


@functools.lru_cache(maxsize=4)
def _normal(n: int) -> NDArray[np.float64]:
    replications = max(2_000, min(REPLICATIONS, 200 * REPLICATIONS // n))
    samples = np.random.default_rng(_SEED).normal(size=(replications, n))
    samples.flags.writeable = False
    return samples


@functools.lru_cache(maxsize=512)
def _skewness(n: int) -> NDArray[np.float64]:
    """Quantiles [G] of the skewness G1 of n normal values, in the middle of as many equal parts."""
    samples = np.random.default_rng(_SEED).normal(size=(max(REPLICATIONS // n, 1) * 10, n))
    found = stats.skew(samples, axis=1) * unbiasing(n) if n > 2 else np.zeros(1)
    # The distribution is symmetric, and both halves tell of it.
    return np.asarray(np.quantile(np.concatenate([found, -found]), (np.arange(_GRID) + 0.5) / _GRID))


def _at_one_look(difference: float, n: int, level: float, delta: float) -> dict[Word, float]:
    """Integrate over the standard deviation, of n standard normal values, and over their skewness."""
    if not delta >= 0:
        raise InputError(f"the smallest difference of interest is at least 0, not {delta}")
    lower, upper = quantiles(_skewness(n), n, level)
    error = np.sqrt(stats.chi2.ppf((np.arange(_GRID) + 0.5) / _GRID, n - 1) / (n - 1) / n)[:, None]
    below, above = lower * error, upper * error

    def at_most(mean: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(special.ndtr((mean - difference) * math.sqrt(n)))

    better, worse = at_most(-above), 1 - at_most(below)
    start, stop = np.maximum(below - delta, -above), np.minimum(delta - above, below)
    equivalent = np.maximum(at_most(stop) - at_most(start), 0.0)
    chances = [float(part.mean()) for part in (better, worse, equivalent)]
    return dict(zip(WORDS, [*chances, max(0.0, 1 - sum(chances))], strict=True))


@functools.lru_cache(maxsize=1024)
def _detectable(looks: tuple[int, ...], alpha: float, power: float) -> float:
    """Return the difference in standard deviations."""
    levels = look_levels(looks, alpha)
    # An interval about a mean of 0 shows how far this must be shifted for its lower end to be at 0.
    samples = _normal(looks[-1])
    needed = np.full(len(samples), math.inf)
    for look, level in zip(looks, levels, strict=True):
        low, _ = repeated_intervals(samples[:, :look], level)
        needed = np.minimum(needed, -low)
    return float(np.quantile(needed, power))
