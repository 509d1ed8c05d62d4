"""What may be said of a contrast, read off its interval alone."""

import math
from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from core.errors import InputError
from studies.results.statistics.looks import quantiles, unbiasing
from studies.results.statistics.rounding import equal_but_for_rounding

Word = Literal["better", "worse", "equivalent", "undecided"]
WORDS: tuple[Word, ...] = get_args(Word)


def decide(low: float, high: float, delta: float) -> Word:
    """Return the word that an interval of a difference of errors carries.

    * better: all of the interval is below 0; worse: all of it is above.
    * equivalent: it holds 0 and lies within +-delta.
    * undecided: anything else, and an interval that is NaN or has no width.

    An interval that lies within +-delta without 0 says both that there is a difference and that it is smaller than
    delta: it is *better* or *worse*, and :func:`below_delta` tells a sentence to add "by less than delta". All
    statements are of one interval, so none is false while it covers the true difference, and a family of simultaneous
    intervals errs in any word with its own probability alone.

    >>> decide(-0.03, -0.01, 0.005), decide(0.001, 0.002, 0.005), decide(-0.002, 0.004, 0.005)
    ('better', 'worse', 'equivalent')
    >>> decide(-0.002, 0.006, 0.005), decide(math.nan, math.nan, 0.005), decide(0.1, 0.1, 0.005)
    ('undecided', 'undecided', 'undecided')

    Args:
        low: lower end of the interval of the arm's error minus the reference's, so that negative is better.
        high: upper end.
        delta: smallest difference of interest, at least 0, in the same units.

    Raises:
        InputError: ``delta`` is negative or NaN, or ``low`` is above ``high``.
    """
    return WORDS[int(decide_all(low, high, delta))]


def decide_all(low: ArrayLike, high: ArrayLike, delta: float) -> NDArray[np.int64]:
    """Return the place in ``WORDS`` of the word of each of many intervals, see :func:`decide`.

    >>> [WORDS[place] for place in decide_all([-3.0, -1.0], [-2.0, 1.0], 2.0)]
    ['better', 'equivalent']

    Args:
        low: [...], lower ends.
        high: [...], upper ends.
        delta: smallest difference of interest.

    Raises:
        InputError: as :func:`decide`.
    """
    if not delta >= 0:
        raise InputError(f"the smallest difference of interest is at least 0, not {delta}")
    lower, upper = np.asarray(low, dtype=float), np.asarray(high, dtype=float)
    if (lower > upper).any():
        raise InputError("an interval's lower end is above its upper one")
    wide = lower < upper
    conditions = [wide & (upper < 0), wide & (lower > 0), wide & (-delta < lower) & (upper < delta)]
    return np.select(conditions, [0, 1, 2], default=3)


def below_delta(low: float, high: float, delta: float) -> bool:
    """Whether the interval shows that the difference, whatever its sign, is smaller than delta.

    >>> below_delta(-0.004, -0.001, 0.005), below_delta(-0.006, -0.001, 0.005)
    (True, False)
    """
    return -delta < low < high < delta


def futile(
    differences: Sequence[float], *, looks: Sequence[int], level_at_end: float, delta: float, chance: float = 0.1
) -> bool:
    """Whether no word is likely any more: each is said at the last look with a probability below ``chance``.

    The probability is predicted from what is seen (predictive power: Spiegelhalter, Freedman and Blackburn 1986). Of N
    differences n are there, with mean m and standard deviation s. Under a flat prior the mean of all N is m plus
    ``s sqrt((N - n) / (n N))`` times a t variable with n - 1 degrees of freedom. The interval at the end is taken with
    the s and the skewness seen so far. Stopping for futility adds no error, since it says no word.

    Six differences about 0 with a standard deviation of 1 will not be within +-0.01 after 12, nor beyond 0; within +-2
    they may well be:

    >>> seen = [-1.0, 1.0, -1.0, 1.0, -1.0, 1.0]
    >>> futile(seen, looks=[6, 12], level_at_end=0.01, delta=0.01)
    True
    >>> futile(seen, looks=[6, 12], level_at_end=0.01, delta=2.0)
    False

    Args:
        differences: [n], paired, one a seed, those seen so far.
        looks: numbers of seeds, increasing; the last one is N.
        level_at_end: of the last look, see :func:`~studies.results.statistics.looks.look_levels`.
        delta: smallest difference of interest.
        chance: below which a word is given up.

    Returns:
        True where every word is unlikely; False with fewer than two differences or equal ones, of which nothing can be
        predicted.

    Raises:
        InputError: there are more differences than N, one is not finite, or ``delta`` or ``level_at_end`` is out of
            range.
    """
    values = np.asarray(differences, dtype=float)
    seen, end = len(values), looks[-1]
    if seen > end:
        raise InputError(f"{seen} differences are more than the {end} of the last look")
    if not np.isfinite(values).all():
        raise InputError("a difference is not finite: failed runs are a hurdle of their own, not a value")
    if not delta >= 0:
        raise InputError(f"the smallest difference of interest is at least 0, not {delta}")
    if seen < 2 or equal_but_for_rounding(values):
        return False
    mean, std = float(values.mean()), float(values.std(ddof=1))
    skewness = float(np.mean((values - mean) ** 3)) / float(values.std()) ** 3 * unbiasing(seen)
    below, above = (float(part) * std / math.sqrt(end) for part in quantiles(skewness, end, level_at_end))
    spread = std * math.sqrt((end - seen) / (seen * end))

    def at_most(value: float) -> float:
        """Probability that the mean at the end is at most this."""
        return float(stats.t.cdf((value - mean) / spread, seen - 1)) if spread else float(mean <= value)

    better, worse = at_most(-above), 1 - at_most(below)
    # The mean must be above -delta + below and under delta - above; where it says better or worse it does not say this.
    start, stop = max(-delta + below, -above), min(delta - above, below)
    equivalent = max(0.0, at_most(stop) - at_most(start))
    return max(better, worse, equivalent) < chance
